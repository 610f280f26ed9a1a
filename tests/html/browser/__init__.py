"""What people do on the pages, step by step: the tests in a browser put it together."""

from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from django_phone_otp.models import Challenge
from django_phone_otp.services.phones import bind
from django_phone_otp.test import latest_code, outbox, override_phone_otp
from tests.conftest import PHONE

OTHER_PHONE = "+14155550124"
THIRD_PHONE = "+14155550127"
PASSWORD = "a-made-up-pass-phrase-1953"
AGAIN = ".again button:not([name])"  # "Send the code again", in every language
WHATSAPP = ".again button[value=whatsapp]"


def click(page, button="button.main"):
    """Click a button that sends a form, and wait for the page that answers."""
    with page.expect_navigation():
        page.locator(button).click()


def give_number(page, number=PHONE):
    """Ask for a code to ``number``."""
    page.locator("[name=phone]").fill(number)
    click(page)


def give_code(page, code=None, number=PHONE):
    """Enter ``code``, or else the one that was sent to ``number``."""
    page.locator("[name=code]").fill(code or latest_code(number))
    click(page)


def give_password(page, password=PASSWORD):
    """Say by password who it is."""
    page.locator("[name=password]").fill(password)
    click(page)


def send_again(page, button=AGAIN):
    """Ask for another message, as soon as one may be asked for."""
    let_resend()
    page.goto(page.url)
    click(page, button)


def let_resend():
    """Let the time go by until another message may be sent."""
    Challenge.objects.update(resend_at=timezone.now())


def expire():
    """Let the time go by until the codes have expired."""
    Challenge.objects.update(expires_at=timezone.now())


def wrong_code(number=PHONE):
    """Return a code that is not the one that was sent to ``number``."""
    right = latest_code(number)
    return ("1" if right[0] == "0" else "0") + right[1:]


def account(name, number=None, password=None):
    """Make an account. Without a password, codes are the only way in."""
    user = User.objects.create_user(name, password=password)
    if number:
        bind(user, number)
    return user


def enter(page, user):
    """Be logged in as ``user`` from now on, otherwise than by phone."""
    client = Client()
    client.force_login(user)
    page.context.clear_cookies()
    origin = page.evaluate("location.origin")
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": origin}])


def messages_to(number=PHONE):
    """Return how many messages went to ``number``."""
    return sum(message.number == number for message in outbox)


def fits(page):
    """Tell whether nothing stands out of the window at its side."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def every_state(page):
    """Walk from the first page of the sign-up through every page in every state; yield what each is called."""
    yield "number"
    give_number(page, "12")
    yield "number-error"
    yield from _states_of_the_code(page)
    yield from _states_of_the_details(page)
    yield from _states_of_the_login(page)
    yield from _states_of_the_change(page)
    yield from _states_of_the_site(page)


def _states_of_the_code(page):
    give_number(page)
    yield "code"
    give_code(page, wrong_code())
    yield "code-error"
    send_again(page)
    send_again(page)
    yield "code-resent"
    expire()
    page.reload()
    yield "code-expired"
    click(page)
    Challenge.objects.update(attempts=F("max_attempts") - 2)
    give_code(page, wrong_code())
    yield "code-last-try"
    give_code(page, wrong_code())
    yield "code-locked"
    page.goto(page.url)
    yield "code-ended"


def _states_of_the_details(page):
    click(page)
    give_code(page)
    yield "details"
    click(page)
    yield "details-errors"
    account("first", PHONE)
    page.goto(page.url)
    yield "details-taken"


def _states_of_the_login(page):
    page.goto("/login/")
    yield "login-number"
    give_number(page)
    yield "login-code"
    with override_phone_otp(LIMITS={"send.ip": ["1/1d"]}):
        for _ in range(2):
            page.goto("/login/")
            give_number(page, "+14155550126")
    yield "number-refused"


def _states_of_the_change(page):
    enter(page, account("lee", OTHER_PHONE, PASSWORD))
    page.goto("/phone/number/")
    yield "identity"
    give_password(page, "something else")
    yield "identity-error"
    give_password(page)
    give_number(page, THIRD_PHONE)
    give_code(page, number=THIRD_PHONE)
    yield "changed"
    page.goto("/vault/")
    yield "vault"
    page.goto("/account/")
    yield "account"


def _states_of_the_site(page):
    enter(page, account("kim", "+14155550128"))
    page.goto("/vault/")
    yield "confirm"
    click(page)
    yield "confirm-code"
    enter(page, account("pat"))
    page.goto("/phone/confirm/")
    yield "confirm-nobody"
    page.context.clear_cookies()
    for name, path in (("home", "/"), ("terminal", "/terminal/"), ("inbox", "/phone/inbox/")):
        page.goto(path)
        yield name
