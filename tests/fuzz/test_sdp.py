"""Whatever an SDP says, it is read or refused with `bad_sdp`, quickly; what is read can be planned, bound and answered."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.errors import Code, Refused
from sfu.signaling.messages import OfferMessage
from sfu.signaling.sdp import answer, bind, parse_offer, sections
from tests.signaling.sample_offers import LOCAL, OFFERS, egress_of

MUTANTS = 2_500
"""Of the real offers, in every run; about a millisecond each."""
LONGEST = 0.25
"""Seconds of this thread's own processor time for any one; ten times what the slowest takes."""

NUMBERS = ["", "0", "-1", "64", "96", "127", "128", "255", "65536", "4294967296", "9" * 400, "٣", "1e3", "0x1"]
WORDS = [
    "a=mid:0", "a=sendrecv", "a=ssrc:1 cname:x", "a=ssrc-group:FID 1 2", "a=rid:q send", "a=simulcast:send q;h", "a=setup:actpass",
    "a=extmap:1 x", "a=rtpmap:96 rtx/90000", "a=fmtp:96 apt=96", "a=rtcp-fb:* nack", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=", "=", "",
]  # fmt: skip


def refusal(call: Callable[[], object]) -> Refused | None:
    try:
        call()
    except Refused as refused:
        return refused
    return None


def check(sdp: str) -> bool:
    """Whether it was read."""
    refused = refusal(lambda: parse_offer(sdp))
    if refused is not None:
        assert refused.code is Code.BAD_SDP
        assert len(refused.message) < 200
        return False
    offer = parse_offer(sdp)
    plans = sections(offer)
    refused = refusal(lambda: bind(OfferMessage(sdp, (), ()), offer))
    if refused is not None:
        assert refused.code is Code.MEDIA_UNSUPPORTED
        assert plans == ()
        return True
    given = answer(offer, LOCAL, egress_of(offer))
    assert given.count("\r\nm=") == len(offer.sections)
    assert given.count("\n") == given.count("\r\n") == given.count("\r")
    return True


def mutated(sdp: str, choose: random.Random) -> str:
    """One to four small changes: bytes, numbers, lines, order, length."""
    for _ in range(choose.randint(1, 4)):
        lines = sdp.split("\r\n")
        line = choose.randrange(len(lines))
        at = choose.randrange(len(sdp) + 1)
        change = choose.randrange(9)
        if change == 0:
            sdp = sdp[:at]
        elif change == 1:
            sdp = sdp[:at] + chr(choose.randrange(256)) + sdp[at + 1 :]
        elif change == 2:
            sdp = sdp[:at] + sdp[at + choose.randrange(40) :]
        elif change == 3:
            sdp = "\r\n".join([*lines[:line], choose.choice(lines), *lines[line:]])
        elif change == 4:
            sdp = "\r\n".join(lines[:line] + lines[line + 1 :])
        elif change == 5:
            sdp = "\r\n".join([*lines[:line], choose.choice(WORDS), *lines[line:]])
        elif change == 6:
            words = lines[line].replace(":", ": ").split(" ")
            words[choose.randrange(len(words))] = choose.choice(NUMBERS)
            lines[line] = " ".join(words).replace(": ", ":")
            sdp = "\r\n".join(lines)
        elif change == 7:
            lines[line : line + 1] = [lines[line]] * choose.choice([2, 70, 500])
            sdp = "\r\n".join(lines)
        else:
            other = choose.choice(list(OFFERS.values()))
            sdp = sdp[:at] + other[choose.randrange(len(other)) :]
    return sdp


@pytest.mark.parametrize("name", sorted(OFFERS))
def test_the_real_offers_are_read(name: str) -> None:
    assert check(OFFERS[name])


def test_mutants_of_real_offers() -> None:
    choose = random.Random(20_261_123)
    originals = list(OFFERS.values())
    read, slowest = 0, 0.0
    for _ in range(MUTANTS):
        sdp = mutated(choose.choice(originals), choose)
        started = time.thread_time()
        read += check(sdp)
        slowest = max(slowest, time.thread_time() - started)
    assert slowest < LONGEST
    assert MUTANTS * 0.05 < read < MUTANTS * 0.95, "the mutants are to be neither all good nor all bad"


@given(st.text(max_size=300))
def test_any_text(sdp: str) -> None:
    check(sdp)


@given(
    st.lists(st.sampled_from(WORDS + [line for sdp in OFFERS.values() for line in sdp.split("\r\n")[:80]]), max_size=60)
)
def test_any_lines(lines: list[str]) -> None:
    check("\r\n".join(["v=0", "o=- 1 1 IN IP4 0.0.0.0", *lines]))


@given(st.sampled_from(sorted(OFFERS)), st.integers(0, 40_000))
def test_a_real_offer_cut_short(name: str, length: int) -> None:
    check(OFFERS[name][:length])
