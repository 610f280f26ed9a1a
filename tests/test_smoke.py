import pytest

from tests.conftest import PHONE, every_database


@pytest.mark.django_db
def test_a_code_that_was_sent_verifies_once(api, code_of):
    sent = api.send()
    assert sent.status_code == 201, sent.content
    challenge = sent.json()["challenge"]
    code = code_of(PHONE)
    proof = api.verify(challenge, code)
    assert proof.status_code == 200, proof.content
    assert proof.json()["phone"] == PHONE
    assert api.verify(challenge, code).json()["code"] == "challenge_closed"


@every_database
def test_db(database, api, code_of):
    assert api.verify(api.send().json()["challenge"], code_of(PHONE)).status_code == 200
