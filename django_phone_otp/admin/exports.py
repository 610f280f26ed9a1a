"""A list as a CSV file: all that its filters let through, after a question, and written to the admin's log."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from django_phone_otp.admin.links import list_of
from django_phone_otp.admin.lists import WindowedChangeList
from django_phone_otp.admin.sheets import Look, Sheet

if TYPE_CHECKING:
    from django_phone_otp.admin.readonly import ReadOnlyAdmin


@sensitive_variables()
def export_view(listing: "ReadOnlyAdmin", request: HttpRequest, sheet: Sheet) -> HttpResponseBase:
    """Say what the file will hold and ask, and answer with the file when that was confirmed.

    Raises ``PermissionDenied``, also for full numbers that this member of staff may not see, and
    ``BadRequest`` for filters that make no sense.
    """
    may_reveal, full = request.user.has_perm("phone_otp.reveal_number"), "full" in request.POST
    if not listing.has_export_permission(request) or (full and not may_reveal):
        raise PermissionDenied
    look = Look(now=timezone.now(), full=full)
    try:
        shown = cast("WindowedChangeList", listing.get_changelist_instance(request))
    except IncorrectLookupParameters as fault:
        raise BadRequest("no filter is like this") from fault
    filters = list(_words_of(shown))
    if request.method == "POST":
        windows = shown.windows(request)
        _write_down(listing, request, full, [title for title, _ in filters])
        return _answer(request, sheet.name, sheet.write(windows, look))
    query = request.GET.urlencode()
    context = {
        **listing.admin_site.each_context(request),
        "title": gettext("Export as CSV"),
        "opts": listing.opts,
        "filters": filters,
        "may_reveal": may_reveal,
        "back": list_of(listing.admin_site.name, str(listing.opts.model_name)) + (query and f"?{query}"),
    }
    return TemplateResponse(request, "admin/phone_otp/export.html", context)


def _words_of(shown: WindowedChangeList) -> Iterator[tuple[str, str]]:
    """Yield what each filter that is set is called, and what it is set to."""
    for spec in shown.filter_specs:
        names = [str(name) for name in spec.expected_parameters()]
        values = [shown.params[name] for name in names if shown.params.get(name)]
        # The first choice of every filter is to have none. A value may also be written into the address.
        none, *choices = spec.choices(shown)
        if values and not none["selected"]:
            chosen = [str(choice["display"]) for choice in choices if choice["selected"]]
            yield str(spec.title), ", ".join(chosen or values)


def _write_down(listing: "ReadOnlyAdmin", request: HttpRequest, full: bool, filters: list[str]) -> None:
    # Before the first byte: what cannot be written down is not exported. Of filters their names alone:
    # what they are set to may name a person.
    words = gettext("Exported as CSV with full numbers") if full else gettext("Exported as CSV")
    if filters:
        words = gettext("%(exported)s; filters: %(filters)s") % {"exported": words, "filters": ", ".join(filters)}
    LogEntry.objects.create(
        user_id=cast("int", request.user.pk),  # nobody else has permissions
        content_type=ContentType.objects.get_for_model(listing.model),
        object_repr=str(listing.opts.verbose_name_plural),
        action_flag=CHANGE,
        change_message=words,
    )


def _answer(request: HttpRequest, name: str, chunks: Iterator[bytes]) -> StreamingHttpResponse:
    # Under ASGI, Django would make a list of all chunks before it sends the first.
    content = _one_by_one(chunks) if isinstance(request, ASGIRequest) else chunks
    disposition = f'attachment; filename="phone-otp-{name}-{timezone.now():%Y-%m-%d}.csv"'
    # That nothing keeps a copy (no-store) is what every page of an admin says.
    return StreamingHttpResponse(
        content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition}
    )


async def _one_by_one(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    # In the thread that the request has for what blocks, where its database connection is.
    following = sync_to_async(lambda: next(chunks, None))
    while (chunk := await following()) is not None:
        yield chunk
