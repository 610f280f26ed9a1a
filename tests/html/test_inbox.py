import pytest
from django.urls import reverse

from django_phone_otp.backends.inbox import InboxBackend
from tests.messages import message

PAGE, JSON = "/phone/inbox/", "/phone/inbox.json"


@pytest.fixture
def _debug(settings):
    settings.DEBUG = True


debug = pytest.mark.usefixtures("_debug")


def receive(text, number="+14155550123", channel="sms"):
    InboxBackend(alias="default").send(message(text, number, channel))


def test_the_pages_are_where_the_project_mounted_them():
    assert (reverse("phone_otp:inbox"), reverse("phone_otp:inbox_json")) == (PAGE, JSON)


@pytest.mark.parametrize("page", [PAGE, JSON])
@pytest.mark.parametrize("method", ["get", "head", "post", "options"])
def test_outside_debug_there_is_no_inbox(client, page, method):
    receive("424242 is your code.")
    response = getattr(client, method)(page)
    assert response.status_code in ({404} if method in {"get", "head"} else {404, 405})
    assert b"424242" not in response.content


@debug
@pytest.mark.parametrize("page", [PAGE, JSON])
def test_under_debug_it_can_be_read_and_nothing_else(client, page):
    assert client.get(page).status_code == 200
    head = client.head(page)
    assert (head.status_code, head.content) == (200, b"")
    for method in ("post", "put", "patch", "delete"):
        response = getattr(client, method)(page)
        assert response.status_code == 405
        assert set(response["Allow"].split(", ")) == {"GET", "HEAD"}


@debug
@pytest.mark.parametrize("page", [PAGE, JSON])
def test_it_is_never_cached(client, page):
    assert "no-store" in client.get(page)["Cache-Control"]


@debug
def test_the_newest_message_comes_first(client):
    for text in ("first", "second", "third"):
        receive(text)
    assert [message["text"] for message in client.get(JSON).json()] == ["third", "second", "first"]
    page = client.get(PAGE).content.decode()
    assert page.index("third") < page.index("second") < page.index("first")


@debug
def test_a_message_is_shown_with_its_number_its_channel_and_its_lines(client):
    receive("424242 is your code.\n\n@example.com #424242", channel="whatsapp")
    (message,) = client.get(JSON).json()
    assert set(message) == {"number", "channel", "text", "sent_at"}
    assert message["number"] == "+14155550123"
    page = client.get(PAGE).content.decode()
    assert "+14155550123" in page
    assert "whatsapp" in page
    assert "424242 is your code.<br><br>@example.com #424242" in page


@debug
def test_a_message_cannot_write_html(client):
    receive('<script>alert("1")</script> & <b>', number="<i>", channel='"><img>')
    page = client.get(PAGE).content.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &lt;b&gt;" in page


@debug
def test_an_empty_inbox_says_what_to_do(client):
    assert client.get(JSON).json() == []
    page = client.get(PAGE).content.decode()
    assert "No messages yet." in page
    assert "<ol" not in page


@debug
def test_the_page_is_in_the_language_and_direction_of_its_reader(client):
    for language, tag in (("ar", '<html lang="ar" dir="rtl">'), ("en", '<html lang="en" dir="ltr">')):
        assert tag in client.get(PAGE, headers={"Accept-Language": language}).content.decode()


@debug
def test_what_the_api_sends_is_in_the_inbox(client, api, settings, transactional_db):
    inbox = {"default": {"BACKEND": "django_phone_otp.backends.inbox.InboxBackend"}}
    settings.PHONE_OTP = {**settings.PHONE_OTP, "BACKENDS": inbox}
    assert api.send("+14155550123").status_code == 201
    (message,) = client.get(JSON).json()
    assert message["number"] == "+14155550123"
    assert "is your Example code to sign up." in message["text"]
