from __future__ import annotations

from aioice import stun

from bench.ice_client import CHECK_INTERVAL, CONSENT_INTERVAL, CONSENT_TIMEOUT, IceClient

PASSWORD = "the server's password"


def client() -> IceClient:
    return IceClient("ours", "theirs", PASSWORD)


def answer(request: bytes, password: str = PASSWORD, transaction: bytes | None = None) -> bytes:
    asked = stun.parse_message(request)
    response = stun.Message(
        stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=transaction or asked.transaction_id
    )
    response.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 9)
    response.add_message_integrity(password.encode())
    return bytes(response)


def test_a_check_nominates_and_is_authenticated_by_the_server_s_password() -> None:
    request = stun.parse_message(client().check(0.0))
    assert request.message_class is stun.Class.REQUEST
    assert request.attributes["USERNAME"] == "theirs:ours"
    assert {"USE-CANDIDATE", "ICE-CONTROLLING", "PRIORITY", "FINGERPRINT"} <= request.attributes.keys()
    assert request.check_message_integrity(PASSWORD.encode())
    assert not request.check_message_integrity(b"another")


def test_an_answer_connects() -> None:
    ice = client()
    ice.receive(answer(ice.check(0.0)), 0.01)
    assert ice.connected


def test_what_does_not_verify_changes_nothing() -> None:
    ice = client()
    request = ice.check(0.0)
    ice.receive(answer(request, password="another"), 0.01)
    ice.receive(answer(request, transaction=bytes(12)), 0.01)
    ice.receive(request, 0.01)
    ice.receive(b"\x00\x01", 0.01)
    assert not ice.connected


def test_checks_are_frequent_until_one_is_answered_and_then_keep_consent() -> None:
    ice = client()
    request = ice.check(1.0)
    assert ice.next_check == 1.0 + CHECK_INTERVAL
    ice.receive(answer(request), 1.05)
    assert ice.next_check == 1.05 + CONSENT_INTERVAL
    ice.check(6.05)
    assert ice.next_check == 6.05 + CONSENT_INTERVAL


def test_consent_that_is_not_renewed_expires() -> None:
    ice = client()
    ice.receive(answer(ice.check(0.0)), 0.0)
    assert not ice.expired(CONSENT_TIMEOUT)
    assert ice.expired(CONSENT_TIMEOUT + 0.1)
    ice.receive(answer(ice.check(20.0)), 20.0)
    assert not ice.expired(CONSENT_TIMEOUT + 0.1)


def own_check(key: str, username: str = "ours:theirs") -> stun.Message:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.add_message_integrity(key.encode())
    return request


def full_ice(*, controlling: bool = True) -> IceClient:
    return IceClient("ours", "theirs", PASSWORD, local_pwd="our own", server=("192.0.2.1", 9), controlling=controlling)


def test_a_check_of_the_server_s_own_is_answered_with_where_it_came_from() -> None:
    request = own_check("our own")
    reply = full_ice().receive(bytes(request), 0.0)
    assert reply is not None
    response = stun.parse_message(reply)
    assert response.message_class is stun.Class.RESPONSE
    assert response.transaction_id == request.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.1", 9)
    assert response.check_message_integrity(b"our own")


def test_a_check_of_somebody_else_is_not_answered() -> None:
    assert full_ice().receive(bytes(own_check("another")), 0.0) is None
    assert full_ice().receive(bytes(own_check("our own", "ours:others")), 0.0) is None


def test_who_is_controlled_does_not_nominate() -> None:
    request = stun.parse_message(full_ice(controlling=False).check(0.0))
    assert "ICE-CONTROLLED" in request.attributes
    assert not {"ICE-CONTROLLING", "USE-CANDIDATE"} & request.attributes.keys()
