"""What all pages share: steps at one URL, a safe way on, and headers that keep others out."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import RedirectURLMixin
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.templatetags.static import static
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.gzip import gzip_page
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from django_phone_otp import conf
from django_phone_otp.exceptions import PhoneOTPError, RetryLater, Unavailable
from django_phone_otp.html.progress import Progress
from django_phone_otp.models import Challenge
from django_phone_otp.services import challenges


class Page(RedirectURLMixin, TemplateResponseMixin, ContextMixin, View):
    """A view whose steps share one URL: the first one at the URL itself, the others at ``?step=…``.

    A step ``x`` is shown by ``show_x()`` and answered by ``take_x()``. Where the person is in a flow, the
    server knows: reload, back and a second tab show what is true, whatever they were.
    """

    http_method_names = ["get", "post", "head", "options"]
    purpose: str = "verify"
    """Which of ``PURPOSES`` the codes are for."""
    flow: str = ""
    """What the session keeps the progress under, shared by the views of one flow; ``""`` for the purpose."""
    steps: ClassVar[tuple[str, ...]] = ()
    public: ClassVar[bool] = True
    """Whether ``LoginRequiredMiddleware`` lets strangers through."""
    help_url: Any = None
    """Where to get help when no code comes: a URL, or the name of one; None offers none."""
    content_security_policy: str | None = ""
    """The policy of the page: ``""`` for the strict one, None to leave it to the project's middleware."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, outside ``ATOMIC_REQUESTS`` on every database: counts commit on their own."""
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return login_not_required(view) if cls.public else view

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find out what this session knows. Raises ``ImproperlyConfigured`` for what the project must set first."""
        super().setup(request, *args, **kwargs)
        if not hasattr(request, "session"):
            raise ImproperlyConfigured("The pages need sessions: add django.contrib.sessions and its middleware.")
        if self.purpose not in conf.current().purposes:
            known = conf.unknown(self.purpose, tuple(conf.current().purposes))
            raise ImproperlyConfigured(
                f"{type(self).__name__} is for the purpose {self.purpose!r}, which is {known}: add it to "
                "PHONE_OTP['PURPOSES'], or set another `purpose`."
            )
        self.progress = Progress(request, self.flow or self.purpose, self.purpose)

    # All countries in Hindi are 20 kB, and a third of that compressed. The one secret in a page, the CSRF
    # token, is masked anew in each, and Django pads what it compresses: BREACH finds nothing to compare.
    @method_decorator(gzip_page)
    @sensitive_variables()
    @method_decorator(sensitive_post_parameters())
    @method_decorator(csrf_protect)
    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and say to the browser that nobody may keep, frame or follow the answer."""
        response = super().dispatch(request, *args, **kwargs)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["X-Frame-Options"] = "DENY"
        policy = self.content_security_policy
        if policy == "":
            policy = strict_policy(self._hosts_ahead())
        if policy:
            response.headers.setdefault("Content-Security-Policy", policy)
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show a step."""
        return self.run_step("show", self._step())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the answer to a step."""
        return self.run_step("take", self._step())

    def run_step(self, act: str, step: str) -> HttpResponseBase:
        """Answer for one step: ``act`` is ``show`` or ``take``."""
        answer: HttpResponseBase = getattr(self, f"{act}_{step}")()
        return answer

    def _step(self) -> str:
        step = self.request.GET.get("step", "")
        return step if step in self.steps else self.steps[0]

    def url_of(self, step: str) -> str:
        """Return the URL of a step, with where to go on afterwards."""
        return self.with_next(self.request.path, {} if step == self.steps[0] else {"step": step})

    def with_next(self, url: str, query: Mapping[str, str] | None = None) -> str:
        """Return ``url`` with ``query``, and with where to go on afterwards, when that is on this site."""
        onward = self.get_redirect_url()
        query = {**(query or {}), **({self.redirect_field_name: onward} if onward else {})}
        return with_query(url, query)

    def go_to(self, step: str) -> HttpResponse:
        """Redirect to a step, so that a reload sends no form again."""
        return HttpResponseRedirect(self.url_of(step))

    def go_on(self) -> HttpResponse:
        """Redirect to where the person wanted to go: ``next`` when it is on this site, else the view's default."""
        return HttpResponseRedirect(self.get_success_url())

    def _hosts_ahead(self) -> set[str]:
        """Return the other hosts that the person may be redirected to: browsers hold forms to ``form-action`` there."""
        ahead = [urlsplit(url) for url in (self.get_default_redirect_url(), resolve_url(settings.LOGIN_URL))]
        return {*self.success_url_allowed_hosts, *(f"{url.scheme}://{url.netloc}" for url in ahead if url.scheme)}

    def get_default_redirect_url(self) -> str:
        """Return ``next_page``, or ``LOGIN_REDIRECT_URL``."""
        return resolve_url(self.next_page or settings.LOGIN_REDIRECT_URL)

    def was_cycled(self) -> bool:
        """Tell whether this session went on under another key, as at a log-in, so that this is a second click.

        Then the answer must leave the browser's cookie alone: it is, or is about to be, that of the log-in.
        """
        cookie = settings.SESSION_COOKIE_NAME
        if cookie not in self.request.COOKIES or not self.request.session.is_empty():
            return False
        del self.request.COOKIES[cookie]  # the session middleware would delete an empty session's
        return True

    def get_bound_to(self) -> Mapping[str, object] | None:
        """Return the context that codes are bound to, from the project's own records; None without one."""
        return None

    def send(self, number: str, *, channel: str | None = None, key: str | None = None) -> Challenge:
        """Send a code to ``number`` and go on with its challenge. Raises as the verb does."""
        challenge = challenges.send(
            number,
            purpose=self.purpose,
            channel=channel,
            context=self.get_bound_to(),
            request=self.request,
            idempotency_key=key,
        )
        self.progress.begin(challenge)
        return challenge

    def link(self, url: Any) -> str:
        """Return a link to ``url``, a URL or the name of one, that keeps where to go on; ``""`` for None."""
        return self.with_next(resolve_url(url)) if url else ""

    def page(self, template: str, refusal: PhoneOTPError | None = None, **context: Any) -> HttpResponse:
        """Render ``template``. A ``refusal`` that time lifts is told to programs too: 429 or 503, ``Retry-After``."""
        context = self.get_context_data(
            next=self.get_redirect_url(),
            help_link=self.link(self.help_url),
            demand=getattr(refusal, "demand", None),
            **context,
        )
        self.template_name = template
        response: HttpResponse = self.render_to_response(context)
        if isinstance(refusal, RetryLater):
            response.status_code = 503 if isinstance(refusal, Unavailable) else 429
            response.headers["Retry-After"] = str(refusal.retry_after)
        if get_language():
            response.headers.setdefault("Content-Language", str(get_language()))
        return response


class MembersPage(LoginRequiredMixin, Page):
    """A page for those who are logged in."""

    public = False

    def handle_no_permission(self) -> HttpResponseRedirect:
        """Ask to log in; but a second click, whose first one changed the session's key, goes where that one led."""
        if self.request.method == "POST" and self.was_cycled():
            return HttpResponseRedirect(self.request.get_full_path())
        return super().handle_no_permission()


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Return ``url`` with ``query`` added to what it has."""
    if not query:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, urlencode(query)]))))


def strict_policy(hosts: Iterable[str] = ()) -> str:
    """Return a policy that lets the page load its own static files, wherever they are served, and nothing else.

    ``hosts`` are those that a form may lead to by a redirect, besides this one.
    """
    files = urlsplit(static("phone_otp/pages.css"))
    source = f"{files.scheme or 'https'}://{files.netloc}" if files.netloc else "'self'"
    targets = " ".join(("'self'", *sorted(hosts)))
    return (
        f"default-src 'none'; style-src {source}; script-src {source}; img-src {source}; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
