"""The development inbox: what the ``inbox`` backend kept, as a phone would show it. Only under DEBUG."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from django_phone_otp.backends.inbox import InboxMessage, read_inbox


@require_safe
@never_cache
def inbox_page(request: HttpRequest) -> HttpResponse:
    """Show the kept messages, newest first."""
    messages = [{**message, "sent_at": parse_datetime(message["sent_at"])} for message in _kept()]
    return render(request, "phone_otp/inbox.html", {"messages": messages})


@require_safe
@never_cache
def inbox_json(request: HttpRequest) -> HttpResponse:
    """Return the kept messages as a JSON array, newest first."""
    return JsonResponse(_kept(), safe=False)


def _kept() -> list[InboxMessage]:
    if not settings.DEBUG:
        raise Http404
    return read_inbox()
