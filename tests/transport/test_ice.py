from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfu.transport.address import Source, source
from sfu.transport.drops import DropReason
from sfu.transport.ice import (
    ANSWER_WITHIN,
    ASK_EVERY,
    CONNECT_TIMEOUT,
    CONSENT_EXPIRED,
    CONSENT_LOST,
    CONSENT_WEAK,
    MAX_ASKED,
    MAX_SOURCES,
    MAX_SPENT,
    MAX_TRANSACTIONS,
    PREVIOUS_CREDENTIALS_LIFETIME,
    Accepted,
    Credentials,
    IceAgent,
    new_credentials,
)
from sfu.transport.parameters import Consent, LocalParameters, Stage
from sfu.transport.stun import parse_request
from tests.transport.client import PWD, UFRAG, answer_to, check

FIRST = Credentials("server-ufrag", "server-password")
SECOND = Credentials("second-ufrag", "second-password")
HOME = source(("192.0.2.1", 1000))
AWAY = source(("2001:db8::1", 2000))


def agent() -> IceAgent:
    return IceAgent(FIRST, Credentials(UFRAG, PWD), 0.0)


def send(
    ice: IceAgent,
    where: Source,
    now: float = 1.0,
    *,
    credentials: Credentials = FIRST,
    nominate: bool = True,
    ufrag: str = UFRAG,
    pwd: str | None = None,
    transaction: bytes | None = None,
    controlled: bool = False,
) -> Accepted | DropReason:
    local = LocalParameters(credentials.ufrag, credentials.pwd, ("sha-256", ""), ())
    data = check(local, nominate=nominate, ufrag=ufrag, pwd=pwd, transaction=transaction, controlled=controlled)
    return ice.receive_check(parse_request(data), where, now)


def accepted(outcome: Accepted | DropReason) -> Accepted:
    assert isinstance(outcome, Accepted)
    return outcome


def test_credentials_are_long_and_never_the_same() -> None:
    made = {new_credentials() for _ in range(100)}
    assert len(made) == 100
    # RFC 8445 5.3 asks for 24 and 128 random bits; the fragment must be one that nobody hits upon.
    assert all(len(each.ufrag) == 16 and len(each.pwd) == 32 and each.ufrag.isalnum() for each in made)


def test_a_nomination_selects_and_is_answered() -> None:
    ice = agent()
    outcome = accepted(send(ice, HOME))
    assert outcome.selects
    assert outcome.response
    assert (ice.selected, ice.nominated, ice.sources) == (HOME, True, (HOME,))


def test_the_first_valid_source_serves_until_one_is_nominated() -> None:
    ice = agent()
    assert accepted(send(ice, HOME, nominate=False)).selects
    assert not accepted(send(ice, AWAY, nominate=False)).selects
    assert (ice.selected, ice.nominated) == (HOME, False)
    assert accepted(send(ice, AWAY)).selects
    assert (ice.selected, ice.nominated) == (AWAY, True)


def test_a_later_nomination_takes_over_and_a_plain_check_does_not() -> None:
    ice = agent()
    send(ice, HOME)
    assert not accepted(send(ice, AWAY, nominate=False)).selects
    assert ice.selected == HOME
    assert accepted(send(ice, AWAY)).selects
    assert ice.selected == AWAY
    assert not accepted(send(ice, AWAY)).selects


@pytest.mark.parametrize(
    ("ufrag", "pwd"),
    [("other", None), ("", None), (UFRAG + "x", None), (UFRAG, "wrong"), (UFRAG, ""), (UFRAG, SECOND.pwd)],
)
def test_a_check_with_other_credentials_changes_nothing(ufrag: str, pwd: str | None) -> None:
    ice = agent()
    assert send(ice, HOME, 29.0, ufrag=ufrag, pwd=pwd) is DropReason.STUN_UNAUTHENTICATED
    assert (ice.selected, ice.sources, ice.nominated) == (None, (), False)
    assert ice.consent(29.0) is Consent.LOST


def test_a_check_sent_again_from_elsewhere_does_not_move_the_media() -> None:
    ice = agent()
    overheard = bytes(range(12))
    send(ice, HOME, transaction=overheard)
    assert send(ice, AWAY, transaction=overheard) is DropReason.STUN_REPLAYED
    assert (ice.selected, ice.sources) == (HOME, (HOME,))


def test_a_retransmitted_check_is_answered_again() -> None:
    ice = agent()
    first = accepted(send(ice, HOME, transaction=bytes(12)))
    assert accepted(send(ice, HOME, transaction=bytes(12))).response == first.response


def test_a_peer_that_calls_itself_controlled_is_answered_and_nominates_nothing() -> None:
    ice = agent()
    assert accepted(send(ice, HOME, controlled=True)).response
    assert not ice.nominated


def test_there_are_at_most_eight_sources_and_the_one_unused_longest_goes() -> None:
    ice = agent()
    places = [source(("192.0.2.9", 1000 + index)) for index in range(MAX_SOURCES)]
    send(ice, places[0])
    for place in places[1:]:
        assert accepted(send(ice, place, nominate=False)).evicted is None
    send(ice, places[1], nominate=False)
    # The selected one stays, the second was used just now, so the third goes.
    assert accepted(send(ice, HOME, nominate=False)).evicted == places[2]
    assert len(ice.sources) == MAX_SOURCES
    assert places[0] in ice.sources


@pytest.mark.parametrize("later", [1, MAX_TRANSACTIONS - 1, MAX_TRANSACTIONS, MAX_TRANSACTIONS + MAX_SPENT - 1])
@pytest.mark.parametrize("nominate", [True, False])
def test_a_check_overheard_long_ago_does_not_move_the_media_either(later: int, nominate: bool) -> None:
    ice = agent()
    for number in range(later + 1):
        send(ice, HOME, transaction=number.to_bytes(12, "big"), nominate=nominate)
    assert send(ice, AWAY, 2.0, transaction=bytes(12), nominate=nominate) is DropReason.STUN_REPLAYED
    assert (ice.selected, ice.sources) == (HOME, (HOME,))


def test_a_check_of_long_ago_is_no_consent() -> None:
    ice = agent()
    for number in range(MAX_TRANSACTIONS + 1):
        send(ice, HOME, transaction=number.to_bytes(12, "big"))
    assert send(ice, HOME, 31.0, transaction=bytes(12)) is DropReason.STUN_REPLAYED
    assert ice.consent(31.0) is Consent.EXPIRED


def test_transactions_remembered_are_bounded() -> None:
    ice = agent()
    for number in range(MAX_TRANSACTIONS + MAX_SPENT + 10):
        send(ice, HOME, transaction=number.to_bytes(12, "big"))
    assert len(ice._transactions) == MAX_TRANSACTIONS
    assert len(ice._spent._digests) == MAX_SPENT * 8
    assert isinstance(send(ice, HOME, transaction=bytes(12)), Accepted)


@pytest.mark.parametrize(
    ("silence", "consent"),
    [
        (0.0, Consent.FRESH),
        (CONSENT_WEAK - 0.01, Consent.FRESH),
        (CONSENT_WEAK, Consent.WEAK),
        (CONSENT_LOST, Consent.LOST),
        (CONSENT_EXPIRED, Consent.EXPIRED),
    ],
)
def test_consent_ages(silence: float, consent: Consent) -> None:
    ice = agent()
    send(ice, HOME, 100.0)
    assert ice.consent(100.0 + silence) is consent


def test_a_peer_that_never_nominates_fails_in_ice() -> None:
    ice = agent()
    send(ice, HOME, CONNECT_TIMEOUT - 1.0, nominate=False)
    assert ice.next_timer() == CONNECT_TIMEOUT
    assert ice.failure(CONNECT_TIMEOUT - 0.01) is None
    assert ice.failure(CONNECT_TIMEOUT) is Stage.ICE


def test_a_peer_that_falls_silent_fails_in_consent() -> None:
    ice = agent()
    send(ice, HOME, 10.0)
    for silence in (CONSENT_WEAK, CONSENT_LOST, CONSENT_EXPIRED):
        assert ice.next_timer() == 10.0 + silence
        ice.handle_timer(10.0 + silence, 0.0)
    assert ice.failure(CONNECT_TIMEOUT) is None
    assert ice.failure(10.0 + CONSENT_EXPIRED) is Stage.CONSENT


def test_a_restart_keeps_the_source_and_takes_new_credentials() -> None:
    ice = agent()
    send(ice, HOME)
    ice.restart(SECOND, Credentials("new", "new-password"), 10.0)
    assert ice.ufrags == (SECOND.ufrag, FIRST.ufrag)
    assert (ice.selected, ice.sources) == (HOME, (HOME,))
    assert accepted(send(ice, AWAY, 11.0, credentials=SECOND, ufrag="new")).selects


def test_credentials_of_before_and_after_a_restart_do_not_mix() -> None:
    ice = agent()
    ice.restart(SECOND, Credentials("new", "new-password"), 10.0)
    assert send(ice, HOME, 11.0, credentials=SECOND, ufrag=UFRAG) is DropReason.STUN_UNAUTHENTICATED
    assert send(ice, HOME, 11.0, credentials=FIRST, ufrag="new") is DropReason.STUN_UNAUTHENTICATED
    assert send(ice, HOME, 11.0, credentials=SECOND, ufrag="new", pwd=FIRST.pwd) is DropReason.STUN_UNAUTHENTICATED


def test_old_credentials_hold_for_thirty_seconds() -> None:
    ice = agent()
    ice.restart(SECOND, Credentials("new", "new-password"), 10.0)
    end = 10.0 + PREVIOUS_CREDENTIALS_LIFETIME
    assert accepted(send(ice, HOME, end - 0.01)).selects
    assert send(ice, HOME, end) is DropReason.STUN_UNAUTHENTICATED
    assert ice.next_timer() == end
    ice.handle_timer(end, 0.0)
    assert ice.ufrags == (SECOND.ufrag,)


def test_old_credentials_nominate_only_until_the_new_ones_have() -> None:
    ice = agent()
    send(ice, HOME)
    ice.restart(SECOND, Credentials("new", "new-password"), 10.0)
    assert accepted(send(ice, AWAY, 11.0)).selects
    send(ice, HOME, 12.0, credentials=SECOND, ufrag="new")
    assert not accepted(send(ice, AWAY, 13.0)).selects
    assert ice.selected == HOME


def test_a_second_restart_ends_the_first_credentials_at_once() -> None:
    ice = agent()
    ice.restart(SECOND, Credentials("new", "new-password"), 10.0)
    ice.restart(Credentials("third", "third-password"), Credentials("newer", "newer-password"), 11.0)
    assert ice.ufrags == ("third", SECOND.ufrag)
    assert send(ice, HOME, 12.0) is DropReason.STUN_UNAUTHENTICATED


def test_a_source_is_in_use_while_checks_come_from_it() -> None:
    ice = agent()
    send(ice, HOME, 1.0)
    send(ice, AWAY, 1.0, nominate=False)
    assert ice.uses(AWAY, 1.0 + CONSENT_LOST - 0.01)
    assert not ice.uses(AWAY, 1.0 + CONSENT_LOST)
    ice.forget(AWAY)
    assert ice.sources == (HOME,)


def ask(ice: IceAgent, where: Source, now: float) -> tuple[bytes, bytes]:
    asked = ice.ask(where, now)
    assert asked is not None
    return asked


def test_a_source_that_answers_our_check_is_valid_and_takes_the_place_of_the_selected_one() -> None:
    ice = agent()
    send(ice, HOME, 1.0)
    transaction, data = ask(ice, AWAY, 10.0)
    assert (ice.selected, ice.sources) == (HOME, (HOME,)), "asking changes nothing"
    outcome = accepted(ice.receive_answer(transaction, answer_to(data, FIRST.ufrag), AWAY, 10.1))
    assert outcome == Accepted(b"", selects=True)
    assert (ice.selected, ice.sources) == (AWAY, (HOME, AWAY))
    assert ice.consent(10.1 + CONSENT_WEAK - 0.01) is Consent.FRESH, "an answer is a consent"


def test_an_answer_counts_once_from_the_source_that_was_asked_in_time_and_with_the_peer_s_password() -> None:
    ice = agent()
    send(ice, HOME, 1.0)
    transaction, data = ask(ice, AWAY, 10.0)
    answer = answer_to(data, FIRST.ufrag)
    assert ice.receive_answer(bytes(12), answer, AWAY, 10.1) is DropReason.STUN_REPLAYED
    assert ice.receive_answer(transaction, answer, HOME, 10.1) is DropReason.STUN_REPLAYED
    late = 10.0 + ANSWER_WITHIN + 0.01
    assert ice.receive_answer(transaction, answer, AWAY, late) is DropReason.STUN_REPLAYED
    forged = answer_to(data, FIRST.ufrag, pwd=FIRST.pwd)
    assert ice.receive_answer(transaction, forged, AWAY, 10.1) is DropReason.STUN_UNAUTHENTICATED
    assert (ice.selected, ice.sources, ice.consent(6.1)) == (HOME, (HOME,), Consent.WEAK)
    accepted(ice.receive_answer(transaction, answer, AWAY, 10.1))
    assert ice.receive_answer(transaction, answer, AWAY, 10.2) is DropReason.STUN_REPLAYED


def test_what_is_nominated_while_we_ask_is_the_newer_word() -> None:
    ice = agent()
    send(ice, HOME, 1.0)
    transaction, data = ask(ice, AWAY, 10.0)
    third = source(("192.0.2.3", 3000))
    send(ice, third, 10.05)
    assert not accepted(ice.receive_answer(transaction, answer_to(data, FIRST.ufrag), AWAY, 10.1)).selects
    assert ice.selected == third


def test_nobody_is_asked_who_has_not_nominated_nor_where_they_are_already_nor_all_the_time() -> None:
    ice = agent()
    send(ice, HOME, 1.0, nominate=False)
    assert ice.ask(AWAY, 10.0) is None
    send(ice, HOME, 1.0)
    assert ice.ask(HOME, 10.0) is None
    ask(ice, AWAY, 10.0)
    assert ice.ask(AWAY, 10.0 + ASK_EVERY / 2) is None
    ask(ice, AWAY, 10.0 + ASK_EVERY)


def test_of_many_checks_of_ours_the_last_ones_wait_for_an_answer() -> None:
    ice = agent()
    send(ice, HOME, 1.0)
    asked = [ask(ice, AWAY, 10.0 + step * ASK_EVERY) for step in range(MAX_ASKED + 1)]
    (first, data), (last, newest) = asked[0], asked[-1]
    assert ice.receive_answer(first, answer_to(data, FIRST.ufrag), AWAY, 10.5) is DropReason.STUN_REPLAYED
    accepted(ice.receive_answer(last, answer_to(newest, FIRST.ufrag), AWAY, 10.5))


def test_after_a_restart_our_checks_are_made_with_the_new_credentials() -> None:
    ice = agent()
    send(ice, HOME, 1.0)
    ice.restart(SECOND, Credentials("new", "new-password"), 10.0)
    transaction, data = ask(ice, AWAY, 10.1)
    answer = answer_to(data, SECOND.ufrag, ufrag="new", pwd="new-password")
    accepted(ice.receive_answer(transaction, answer, AWAY, 10.2))


@example(check_at=65532.94026004227, heard_after=0.0, restart_after=None)
@given(
    check_at=st.floats(0.0, 1e6),
    heard_after=st.floats(0.0, 40.0),
    restart_after=st.none() | st.floats(0.0, 40.0),
)
def test_whoever_is_woken_when_due_has_nothing_left_that_is_due(
    check_at: float, heard_after: float, restart_after: float | None
) -> None:
    """Or the endpoint would wake the peer again in the same moment, for ever."""
    ice = IceAgent(FIRST, Credentials(UFRAG, PWD), check_at)
    accepted(send(ice, HOME, check_at))
    if restart_after is not None:
        ice.restart(SECOND, Credentials(UFRAG, PWD), check_at + restart_after)
    heard = check_at + heard_after
    now = check_at
    while ice.failure(now) is None:
        now = max(ice.next_timer(), now)
        ice.handle_timer(now, min(heard, now))
        assert ice.failure(now) is not None or ice.next_timer() > now
