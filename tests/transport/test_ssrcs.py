"""SSRCs that we give out: never one twice, never one that is taken."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from sfu.transport.ssrcs import SsrcAllocator


@given(st.integers(0, 2**32))
def test_no_ssrc_comes_twice(seed: int) -> None:
    allocator = SsrcAllocator(random.Random(seed))
    given_out = [allocator.allocate(()) for _ in range(2_000)]
    assert len(set(given_out)) == len(given_out)
    assert all(0 < ssrc < 2**32 for ssrc in given_out)


@given(st.integers(0, 2**32))
def test_what_the_peer_uses_is_not_given(seed: int) -> None:
    preview = SsrcAllocator(random.Random(seed))
    taken = {preview.allocate(()) for _ in range(5)}
    assert SsrcAllocator(random.Random(seed)).allocate(taken) not in taken
