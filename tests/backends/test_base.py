from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_phone_otp.backends.base import (
    BackendUnavailable,
    BaseBackend,
    DeliveryError,
    DeliveryStatus,
    DeliveryUncertain,
    InvalidBackend,
    Message,
    MessageRejected,
    Receipt,
    Scope,
    SendResult,
)

NUMBER, CODE = "+14155550123", "424242"
MESSAGE = Message(
    number=NUMBER,
    channel="sms",
    purpose="signup",
    text=f"{CODE} is your code.",
    code=CODE,
    variables={"code": CODE},
    language="en",
    key="k-1",
)


class ParentBackend(BaseBackend):
    def __init__(self, *, alias, api_key, region="in", **options):
        super().__init__(alias=alias, **options)
        self.api_key, self.region = api_key, region


class ChildBackend(ParentBackend):
    def __init__(self, *, alias, sender, **options):
        super().__init__(alias=alias, **options)
        self.sender = sender

    def send(self, message):
        return SendResult(id=message.key)


class GrandchildBackend(ChildBackend):
    pass


def test_the_options_of_a_class_are_its_own_and_those_of_its_bases():
    assert BaseBackend.options() == ()
    assert set(ParentBackend.options()) == {"api_key", "region"}
    assert set(ChildBackend.options()) == set(GrandchildBackend.options()) == {"sender", "api_key", "region"}


def test_options_reach_the_class_that_takes_them():
    backend = GrandchildBackend(alias="main", sender="EXMPL", api_key="hunter2", region="eu")
    assert (backend.alias, backend.sender, backend.api_key, backend.region) == ("main", "EXMPL", "hunter2", "eu")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("apikey", "option 'apikey' is unknown; did you mean 'api_key'?"),
        ("API_KEY", "option 'API_KEY' is unknown; did you mean 'api_key'?"),
        ("sendr", "option 'sendr' is unknown; did you mean 'sender'?"),
        ("colour", "option 'colour' is unknown; known are api_key, region, sender"),
    ],
)
def test_an_unknown_option_names_the_alias_and_the_right_name_and_no_value(option, said):
    with pytest.raises(InvalidBackend) as problem:
        ChildBackend(alias="main", sender="EXMPL", api_key="hunter2", **{option: "hunter3"})
    assert str(problem.value) == f"BACKENDS['main']: {said}"
    assert isinstance(problem.value, ImproperlyConfigured)


def test_a_class_without_options_says_so():
    with pytest.raises(InvalidBackend) as problem:
        BaseBackend(alias="main", colour="red")
    assert str(problem.value).startswith("BACKENDS['main']: option 'colour' is unknown")
    assert not str(problem.value).endswith(" ")


def test_several_messages_go_one_by_one_unless_a_vendor_takes_them_together():
    backend = ChildBackend(alias="main", sender="EXMPL", api_key="hunter2")
    assert [result.id for result in backend.send_many([MESSAGE, MESSAGE])] == ["k-1", "k-1"]
    assert backend.send_many([]) == []


@pytest.mark.parametrize("verb", ["send", "fetch_status", "parse_webhook"])
def test_what_a_class_cannot_do_says_which_class_it_is(verb):
    with pytest.raises(NotImplementedError, match="ParentBackend"):
        getattr(ParentBackend(alias="main", api_key="hunter2"), verb)(None)


def test_what_a_class_can_do_is_modest_unless_it_says_more():
    assert BaseBackend.channels == {"sms"}
    assert (BaseBackend.sends_text, BaseBackend.polls, BaseBackend.development) == (True, False, False)
    assert BaseBackend(alias="main").check() == []


def test_nothing_that_may_not_be_logged_is_in_a_repr():
    raw = {"to": NUMBER, "otp": CODE}
    receipt = Receipt(id="m-1", status=DeliveryStatus.DELIVERED, raw=raw)
    shown = repr([MESSAGE, SendResult(id="m-1", raw=raw), receipt])
    assert CODE not in shown
    assert "4155550123" not in shown
    assert "k-1" in shown
    assert "m-1" in shown


def test_a_result_is_accepted_unless_the_vendor_said_more():
    assert SendResult().status == DeliveryStatus.ACCEPTED


@pytest.mark.parametrize(
    ("error", "may_have_left"), [(BackendUnavailable, False), (MessageRejected, False), (DeliveryUncertain, True)]
)
def test_a_failure_says_whether_the_message_may_have_left_and_never_shows_the_vendors_words(error, may_have_left):
    failure = error(
        "the balance is used up",
        vendor_code="E402",
        http_status=402,
        retry_after=1.5,
        scope=Scope.RECIPIENT,
        raw=f"{NUMBER} {CODE}",
    )
    assert isinstance(failure, DeliveryError)
    assert failure.may_have_left is may_have_left
    assert str(failure) == failure.reason == "the balance is used up"
    assert (failure.vendor_code, failure.http_status, failure.retry_after) == ("E402", 402, 1.5)
    assert failure.scope == "recipient"
    assert CODE not in repr(failure)
    assert error("x").scope == Scope.ACCOUNT


def test_of_several_messages_one_that_was_not_taken_does_not_hide_the_others():
    class Moody(BaseBackend):
        def worded(self, message):
            if message.text == "unregistered":
                raise MessageRejected("not registered")
            return message

        def send(self, message):
            if message.text == "lost":
                raise DeliveryUncertain("connection lost")
            return SendResult(id=message.text)

    sent = [replace(MESSAGE, text=text) for text in ("a", "unregistered", "lost", "b")]
    results = Moody(alias="main").send_many(sent)
    assert [(result.id, result.status) for result in results] == [
        ("a", "accepted"),
        ("", "failed"),
        ("", "unknown"),
        ("b", "accepted"),
    ]
    assert [result.reason for result in results] == ["", "not registered", "connection lost", ""]


def test_a_class_that_checks_no_codes_says_so():
    with pytest.raises(NotImplementedError, match="ParentBackend"):
        ParentBackend(alias="main", api_key="hunter2").check_code("check-1", CODE)
