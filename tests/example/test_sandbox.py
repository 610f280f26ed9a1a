"""The sandbox itself: outages, receipts, what it keeps, and where it listens."""

import threading
from collections import deque

import pytest
import requests
from urllib3.exceptions import NewConnectionError
from werkzeug import Response

from example_project.sandbox import VENDORS, mailbox, receipts
from example_project.sandbox.outages import Outage
from example_project.sandbox.server import Sandbox
from tests.backends.servers import refused_port
from tests.example.conftest import NUMBER, SENDS, SUCCESS, eventually

every_vendor = pytest.mark.parametrize("vendor", VENDORS)
UNDELIVERED, FAILED = "+919876543198", "+919876543199"


def in_background(function):
    """Run ``function`` in a thread; return the thread, and what the function returned or raised."""
    results = []

    def run():
        try:
            results.append(function())
        except Exception as problem:
            results.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


# Outages


@every_vendor
def test_a_vendor_that_is_down_refuses_connections_old_and_new_and_comes_back_on_its_port(vendors, sandbox, vendor):
    url = sandbox.url(vendor)
    assert vendors.send(vendor).status_code == SUCCESS[vendor]  # this connection stays open
    sandbox.set_outage(vendor, "down")
    with pytest.raises(requests.ConnectionError) as failure:
        vendors.send(vendor)
    assert isinstance(failure.value.args[0].reason, NewConnectionError)
    assert (sandbox.requests(vendor), len(sandbox.messages)) == (1, 1)
    sandbox.set_outage(vendor, "ok")
    assert vendors.send(vendor).status_code == SUCCESS[vendor]
    assert sandbox.url(vendor) == url


@every_vendor
def test_a_vendor_that_hangs_sends_the_message_and_never_answers(vendors, sandbox, vendor):
    sandbox.set_outage(vendor, "hang")
    with pytest.raises(requests.ReadTimeout):
        vendors.send(vendor, timeout=(10, 0.2))
    assert [message.number for message in sandbox.messages] == [NUMBER]
    assert sandbox.requests(vendor) == 1


def test_a_hanging_request_is_dropped_when_the_vendor_recovers(vendors, sandbox):
    sandbox.set_outage("aoc", Outage.HANG)
    thread, results = in_background(lambda: vendors.send("aoc", timeout=30))
    assert eventually(lambda: sandbox.messages)
    sandbox.set_outage("aoc", Outage.OK)
    thread.join(10)
    assert [type(result) for result in results] == [requests.ConnectionError]


def test_a_slow_vendor_sends_the_message_and_answers_late(vendors, sandbox):
    sandbox.set_outage("aoc", "slow")
    with pytest.raises(requests.ReadTimeout):
        vendors.send("aoc", timeout=(10, 0.2))
    assert len(sandbox.messages) == 1
    thread, results = in_background(lambda: vendors.send("aoc", timeout=30))
    assert eventually(lambda: len(sandbox.messages) == 2)
    assert not results
    sandbox.set_outage("aoc", "ok")  # nobody waits any longer
    thread.join(10)
    assert [result.status_code for result in results] == [200]


def test_a_slow_vendor_answers_by_itself(client_of):
    with Sandbox(port=0, slow=0.05) as sandbox:
        sandbox.set_outage("kaleyra", "slow")
        assert client_of(sandbox).send("kaleyra").status_code == 202


@pytest.mark.parametrize(
    ("vendor", "envelope"),
    [
        ("imb", {"response_code": 500, "error_code": "INTERNAL_SERVER_ERROR"}),
        ("kaleyra", {"code": "E103"}),
        ("aoc", {"statusCode": 500, "error": "Internal Server Error"}),
        ("startmessaging", {"success": False, "statusCode": 500}),
    ],
)
def test_a_vendor_with_errors_sends_nothing_and_answers_500_in_its_own_envelope(vendors, sandbox, vendor, envelope):
    sandbox.set_outage(vendor, "errors")
    answer = vendors.send(vendor)
    assert answer.status_code == 500
    assert envelope.items() <= answer.json().items()
    assert (sandbox.messages, sandbox.requests(vendor)) == ([], 1)


@every_vendor
def test_a_vendor_that_talks_garbage_sends_the_message_and_answers_200_with_html(vendors, sandbox, vendor):
    sandbox.set_outage(vendor, "garbage")
    answer = vendors.send(vendor)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert "<html>" in answer.text
    assert len(sandbox.messages) == 1


@pytest.mark.parametrize(
    ("vendor", "envelope"),
    [
        ("imb", {"error": True, "message": "Rate limit exceeded. Please try again after some time."}),
        ("kaleyra", {"code": "WAV2101"}),
        ("aoc", {"error": "Too Many Requests"}),
        ("startmessaging", {"success": False, "statusCode": 429}),
    ],
)
def test_an_account_that_is_limited_gets_429_and_no_message(vendors, sandbox, vendor, envelope):
    sandbox.set_outage(vendor, "limited")
    answer = vendors.send(vendor)
    assert answer.status_code == 429
    assert envelope.items() <= answer.json().items()
    assert ("Retry-After" in answer.headers) == (vendor == "startmessaging")
    assert (sandbox.messages, sandbox.requests(vendor)) == ([], 1)


@every_vendor
def test_an_account_that_is_unauthorized_gets_the_answer_to_a_wrong_key(vendors, sandbox, vendor):
    wrong = vendors.send(vendor, headers=dict.fromkeys(SENDS[vendor](NUMBER)[1], "wrong"))
    sandbox.set_outage(vendor, "unauthorized")
    answer = vendors.send(vendor)
    assert answer.status_code == wrong.status_code == 401
    assert set(answer.json()) == set(wrong.json())
    assert sandbox.messages == []


def test_an_outage_of_one_vendor_is_no_outage_of_another(vendors, sandbox):
    sandbox.set_outage("kaleyra", "down")
    assert {name: sandbox.outage(name) for name in VENDORS} == {**dict.fromkeys(VENDORS, "ok"), "kaleyra": "down"}
    assert vendors.send("aoc").status_code == 200


@pytest.mark.parametrize(("vendor", "mode"), [("nobody", "ok"), ("kaleyra", "sideways")])
def test_an_outage_that_does_not_exist_is_an_error(sandbox, vendor, mode):
    with pytest.raises((KeyError, ValueError)):
        sandbox.set_outage(vendor, mode)


# What becomes of a message


def test_a_message_is_accepted_then_sent_then_delivered(client_of, clock):
    with Sandbox(port=0, receipt_delay=1) as sandbox:
        for number in (NUMBER, UNDELIVERED, FAILED):
            client_of(sandbox).send("aoc", number)
        statuses = []
        for _ in range(4):
            statuses.append([message.status for message in sandbox.messages])
            clock.shift(1)
    assert statuses == [
        ["accepted", "accepted", "accepted"],
        ["sent", "sent", "failed"],
        ["delivered", "undelivered", "failed"],
        ["delivered", "undelivered", "failed"],
    ]


@pytest.fixture
def receive(httpserver, client_of):
    """Send a message to a number through a sandbox, and return what the webhooks got."""

    def run(vendor, number, count, targets):
        with Sandbox(port=0, receipts_to=targets, receipt_delay=0) as sandbox:
            client_of(sandbox).send(vendor, number)
            assert eventually(lambda: len(httpserver.log) >= count)
            (message,) = sandbox.messages
        assert len(httpserver.log) == count
        return message, [request for request, _ in httpserver.log]

    return run


@pytest.mark.parametrize(
    ("number", "statuses"),
    [
        (NUMBER, [("Sent", ""), ("Delivered", "")]),
        (UNDELIVERED, [("Sent", ""), ("UNDELIVERED", "ABSENT-SUB")]),
        (FAILED, [("NOT-SENT", "TEMPLATE-NOT-FOUND")]),
    ],
)
def test_kaleyra_posts_its_receipts_as_json_in_order(httpserver, receive, number, statuses):
    httpserver.expect_request("/hook/kaleyra", method="POST").respond_with_data("")
    message, posted = receive("kaleyra", number, len(statuses), httpserver.url_for("/hook/{vendor}"))
    bodies = [request.get_json() for request in posted]
    assert [(body["status"], body["status_trace"]) for body in bodies] == statuses
    for body in bodies:
        assert set(body) == {"message_id", "status", "status_trace", "recipient", "timestamp"}
        assert (body["message_id"], body["recipient"]) == (message.vendor_id, number[1:])


@pytest.mark.parametrize(
    ("number", "statuses"),
    [(NUMBER, ["sent", "delivered"]), (UNDELIVERED, ["sent", "undelivered"]), (FAILED, ["failed"])],
)
def test_aoc_posts_its_receipts_as_form_fields_in_order(httpserver, receive, number, statuses):
    httpserver.expect_request("/aoc", method="POST").respond_with_data("")
    message, posted = receive("aoc", number, len(statuses), {"aoc": httpserver.url_for("/aoc")})
    forms = [request.form.to_dict() for request in posted]
    assert [form["status"] for form in forms] == statuses
    for form in forms:
        assert set(form) == {"messageId", "status", "recipient", "time"}
        assert (form["messageId"], form["recipient"]) == (message.vendor_id, number[1:])


@pytest.mark.parametrize(
    ("answers", "posted"),
    [
        ([500, 503, 200, 200], ["Sent", "Sent", "Sent", "Delivered"]),
        ([500] * 6, ["Sent", "Sent", "Sent", "Delivered", "Delivered", "Delivered"]),
        ([302] * 6, ["Sent", "Sent", "Sent", "Delivered", "Delivered", "Delivered"]),
    ],
)
def test_a_receipt_is_tried_again_twice_and_then_given_up(httpserver, receive, monkeypatch, answers, posted):
    monkeypatch.setattr(receipts, "TRY_AGAIN_AFTER", 0.0)
    statuses = deque(answers)
    httpserver.expect_request("/").respond_with_handler(
        lambda _: Response(status=statuses.popleft() if statuses else 200, headers={"Location": "/"})
    )
    _, requests_ = receive("kaleyra", NUMBER, len(answers), httpserver.url_for("/"))
    assert [request.get_json()["status"] for request in requests_] == posted


def test_a_webhook_that_nobody_serves_holds_up_nothing(httpserver, client_of, monkeypatch):
    monkeypatch.setattr(receipts, "TRY_AGAIN_AFTER", 0.0)
    httpserver.expect_request("/aoc").respond_with_data("")
    with refused_port() as port:
        targets = {"kaleyra": f"http://127.0.0.1:{port}/", "aoc": httpserver.url_for("/aoc")}
        with Sandbox(port=0, receipts_to=targets, receipt_delay=0) as sandbox:
            assert client_of(sandbox).send("kaleyra").status_code == 202
            assert client_of(sandbox).send("aoc").status_code == 200
            assert eventually(lambda: len(httpserver.log) == 2)


@pytest.mark.parametrize("vendor", ["imb", "startmessaging"])
def test_a_vendor_without_webhooks_posts_nothing(httpserver, client_of, vendor):
    httpserver.expect_request("/aoc").respond_with_data("")
    with Sandbox(port=0, receipts_to=httpserver.url_for("/{vendor}"), receipt_delay=0) as sandbox:
        client_of(sandbox).send(vendor)
        client_of(sandbox).send("aoc")
        assert eventually(lambda: len(httpserver.log) == 2)
        assert sandbox.receipts_to(vendor) == ""
    assert {request.path for request, _ in httpserver.log} == {"/aoc"}


# Bounds


def test_the_oldest_messages_go_and_the_counts_stay(client_of, monkeypatch):
    monkeypatch.setattr(mailbox, "KEPT", 3)
    with Sandbox(port=0) as sandbox:
        for last in range(5):
            client_of(sandbox).send("kaleyra", f"+91987654321{last}")
        assert [message.number[-1] for message in sandbox.messages] == ["2", "3", "4"]
        assert sandbox.requests("kaleyra") == 5


def test_every_request_of_many_threads_is_counted(sandbox):
    path, headers, body = SENDS["aoc"](NUMBER)

    def send_twenty():
        with requests.Session() as session:
            session.trust_env = False
            return [session.post(sandbox.url("aoc") + path, headers=headers, json=body).status_code for _ in range(20)]

    running = [in_background(send_twenty) for _ in range(10)]
    for thread, _ in running:
        thread.join(30)
    assert [results for _, results in running] == [[[200] * 20]] * 10
    assert (sandbox.requests("aoc"), len(sandbox.messages)) == (200, 200)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 900_000])
def test_a_body_over_64_kb_is_refused_unread(vendors, sandbox, size):
    assert vendors.send("kaleyra", body="x" * size).status_code == 413
    assert sandbox.requests("kaleyra") == 0


def test_a_body_without_a_length_is_refused(vendors, sandbox):
    path, headers, _ = SENDS["kaleyra"](NUMBER)
    assert vendors.request("POST", "kaleyra", path, headers=headers, data=iter([b"{}"])).status_code == 411
    assert vendors.request("POST", "kaleyra", path, headers={**headers, "Content-Length": "x"}).status_code == 400
    assert sandbox.requests("kaleyra") == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_it_listens_on_loopback_only(host):
    with pytest.raises(ValueError, match=r"loopback|Expected 4 octets"), Sandbox(port=0, host=host):
        pytest.fail(f"it listens on {host}")


def test_a_port_that_is_taken_stops_the_whole_sandbox(sandbox):
    taken = int(sandbox.url("imb").rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), Sandbox(port=taken - 1):
        pytest.fail("it started without one of its vendors")


def test_two_sandboxes_know_nothing_of_each_other(vendors, sandbox):
    with Sandbox(port=0) as other:
        vendors.send("kaleyra")
        assert (len(sandbox.messages), other.messages) == (1, [])
