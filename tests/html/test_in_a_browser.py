import pytest

from django_phone_otp.backends.inbox import InboxBackend
from tests.messages import message

TEXTS = (
    "424242 is your Example code.\nIt expires in 5 minutes. Do not share it.\n\n@login.example.com #424242",
    "x" * 160,
    "٤٢٤٢ هو رمزك",
)


@pytest.mark.django_db(transaction=True)
def test_the_pages_load_without_an_error_and_fit_a_phone_and_a_desktop(open_page, live_server, settings):
    settings.DEBUG = True  # or the inbox is not there
    for text in TEXTS:
        InboxBackend(alias="default").send(message(text, channel="whatsapp"))
    for path, shown in (("/", "django-phone-otp"), ("/phone/inbox/", "424242 is your Example code.")):
        page, wrong = open_page(live_server.url + path)
        assert shown in page.inner_text("body")
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("innerWidth") == width
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("system-ui")  # its style came
        assert wrong == []
        page.close()
