import itertools
from dataclasses import replace

import pytest

import django_phone_otp as phone_otp
from django_phone_otp.backends.base import InvalidBackend, MessageRejected, SendResult
from django_phone_otp.backends.templated import TemplatedBackend
from django_phone_otp.exceptions import DeliveryFailed
from django_phone_otp.models import Delivery
from django_phone_otp.test import outbox, override_phone_otp
from tests.messages import message

ID = "1507165650000000001"
INDIAN = "+919876543210"


class CarryingBackend(TemplatedBackend):
    """Carries texts, and remembers them."""

    default_base_url = "http://127.0.0.1:1"
    carried = []

    def send(self, message):
        self.carried.append(message.text)
        return SendResult(id="m-1")


class WordingBackend(CarryingBackend):
    sends_text = False
    needs_template_text = False


@pytest.fixture(autouse=True)
def _nothing_was_carried():
    CarryingBackend.carried.clear()


def carrying(*templates, kind=CarryingBackend):
    return kind(alias="main", templates=list(templates))


def registered(text="{#var#} is your code.", **more):
    return {"id": ID, "text": text, **more}


def test_the_first_template_that_is_for_the_message_is_taken():
    backend = carrying(
        registered("a{#var#}", purposes=["login"]),
        registered("b{#var#}", purposes=["signup"], languages=["HI"]),
        registered("c{#var#}", purposes=["signup", "login"], languages=["en-gb", "en"]),
        registered("d{#var#}", purposes=["*"], languages=["*"]),
        registered("e{#var#}"),
    )

    def found(**changes):
        return backend.template_for(replace(message(), **changes)).text[0]

    assert found(purpose="login", language="fr") == "a"
    assert found(language="hi-in") == "b"
    assert found(language="hi") == "b"
    assert found(language="en-us") == "c"
    assert found(language="fr") == "d"
    assert found(purpose="payment", language="") == "d"


def test_a_message_of_another_channel_has_no_template():
    backend = carrying(registered())
    sent = message(number=INDIAN, channel="whatsapp")
    assert backend.template_for(sent) is None
    assert backend.worded(sent) == sent


def test_the_text_is_made_of_the_registered_one_and_its_values():
    backend = carrying(
        registered("{#numeric#} for {#var#}, {#numeric#} min", variables=["code", "app_name", "minutes"])
    )
    sent = replace(message(), variables={"code": "424242", "app_name": "Shop {#var#}", "minutes": "5", "else": "x"})
    assert backend.worded(sent) == replace(sent, text="424242 for Shop {#var#}, 5 min")


@pytest.mark.parametrize(
    "variables",
    [{}, {"code": ""}, {"code": "x" * 31}, {"kode": "424242"}],
    ids=["none", "empty", "too-long", "another"],
)
def test_a_value_that_does_not_fit_is_not_sent(variables):
    backend = carrying(registered(variables=["code"]))
    with pytest.raises(MessageRejected, match="not that of its registered template"):
        backend.worded(replace(message(), variables=variables))


def test_without_names_the_messages_own_text_must_be_the_registered_one():
    backend = carrying(registered())
    assert backend.worded(message()) == message()
    for text in ("424242 is your code", "424242 is your code. ", "Your code: 424242", "", "424242 is your code.\n"):
        with pytest.raises(MessageRejected):
            backend.worded(message(text))


@pytest.mark.parametrize(
    ("templates", "number", "is_carried"),
    [
        ([], INDIAN, True),
        ([registered(purposes=["login"])], INDIAN, False),
        ([registered(languages=["hi"])], INDIAN, False),
        ([registered(purposes=["login"])], "+14155550123", True),
    ],
    ids=["no-templates", "purpose", "language", "another-country"],
)
def test_an_unregistered_text_is_not_sent_to_india_where_templates_are_given(templates, number, is_carried):
    backend, sent = carrying(*templates), message("Whatever.", number=number)
    if is_carried:
        assert backend.worded(sent) == sent
    else:
        with pytest.raises(MessageRejected, match="no registered template"):
            backend.worded(sent)


def test_a_vendor_that_words_the_message_itself_takes_any_text():
    backend = carrying({"id": ID}, kind=WordingBackend)
    assert backend.worded(message("Whatever.", number=INDIAN)).text == "Whatever."


def test_a_vendor_that_fills_its_own_copy_in_needs_no_text():
    class FillingBackend(CarryingBackend):
        needs_template_text = False

    backend = carrying({"id": ID, "variables": ["code"]}, kind=FillingBackend)
    assert backend.worded(message("Whatever.", number=INDIAN)).text == ""  # it is not what arrives


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ("x", "templates must be a list of dicts"),
        ({"id": ID}, "templates must be a list of dicts"),
        (None, "templates must be a list of dicts"),
        (["x"], "templates[0] must be a dict"),
        ([registered(), None], "templates[1] must be a dict"),
        ([registered(purpose=["x"])], "templates[0]: 'purpose' is unknown; did you mean 'purposes'?"),
        ([{**registered(), 7: "x"}], "templates[0]: 7 is unknown"),
        ([{"text": "x"}], "templates[0]: id must be 12 to 30 digits, as text"),
        ([registered() | {"id": 1507165650000000001}], "templates[0]: id must be 12 to 30 digits, as text"),
        ([registered() | {"id": "1" * 11}], "id must be"),
        ([registered() | {"id": "1" * 31}], "id must be"),
        ([registered() | {"id": f"{ID}\n"}], "id must be"),
        ([registered() | {"id": "१" * 19}], "id must be"),
        ([registered(text=5)], "templates[0]: text must be text"),
        ([registered(text="")], "templates[0]: text must be the registered text, with {#var#}"),
        ([registered(variables=[])], None),
        ([registered(variables=["code", "minutes"])], "templates[0]: the text takes 1 values, and variables names 2"),
        ([registered("{#var#}{#url#}", variables=["code"])], "the text takes 2 values, and variables names 1"),
        ([registered("{#nope#}", variables=["code"])], "the text takes 0 values, and variables names 1"),
        ([registered(variables=["amount"])], None),
        ([registered(variables=["cod"])], "templates[0]: the variable 'cod' is unknown; did you mean 'code'?"),
        ([registered(variables="code")], "templates[0]: variables must be a list of names"),
        ([registered(variables=[5])], "templates[0]: variables must be a list of names"),
        ([registered(purposes=[""])], "templates[0]: purposes must be a list of names"),
        ([registered(languages={"hi": 1})], "templates[0]: languages must be a list of names"),
    ],
    ids=itertools.count(),
)
def test_a_template_that_cannot_be_one_is_said_by_alias_and_place(templates, said):
    if said is None:
        assert CarryingBackend(alias="main", templates=templates).templates
        return
    with pytest.raises(InvalidBackend) as problem:
        CarryingBackend(alias="main", templates=templates)
    assert str(problem.value).startswith("BACKENDS['main']: ")
    assert said in str(problem.value)


# Through the services


@pytest.fixture
def india():
    """Return a function that sends to India through a vendor with these templates, and a backup behind it."""

    def send(*templates):
        vendor = {"BACKEND": f"{__name__}.CarryingBackend", "OPTIONS": {"templates": list(templates)}}
        backup = {"BACKEND": "django_phone_otp.backends.locmem.LocmemBackend"}
        routes = [{"backends": ["default", "backup"]}]
        with override_phone_otp(BACKENDS={"default": vendor, "backup": backup}, ROUTES=routes):
            return phone_otp.send(INDIAN, purpose="signup")

    return send


@pytest.mark.django_db
def test_what_is_sent_is_the_registered_text_and_is_counted(india):
    text = "{#numeric#} is your code for {#var#}. Do not share it with anybody." + " Thank you." * 10
    india(registered(text, variables=["code", "app_name"]))
    (carried,) = CarryingBackend.carried
    assert carried[6:] == text[len("{#numeric#}") :].replace("{#var#}", "Example")
    assert Delivery.objects.get().segments == 2


@pytest.mark.django_db
def test_a_text_that_is_not_registered_reaches_no_vendor_and_the_backup_is_tried(india):
    india(registered("Your code: {#var#}"))
    assert CarryingBackend.carried == []
    assert len(outbox) == 1
    first = Delivery.objects.get(alias="default")
    assert (first.status, first.reason) == ("failed", "the text is not that of its registered template")
    assert first.price is None


@pytest.mark.django_db
def test_with_no_backup_the_caller_is_told():
    vendor = {"BACKEND": f"{__name__}.CarryingBackend", "OPTIONS": {"templates": [registered("x{#var#}")]}}
    with override_phone_otp(BACKENDS={"default": vendor}), pytest.raises(DeliveryFailed):
        phone_otp.send(INDIAN, purpose="signup")
    assert CarryingBackend.carried == []


@pytest.mark.parametrize("key", ["text", "variables"])
def test_of_a_vendor_that_words_the_message_itself_a_template_says_nothing_of_the_words(key):
    with pytest.raises(InvalidBackend, match=f"'{key}' is unknown"):
        carrying({"id": ID, key: ["code"]}, kind=WordingBackend)
