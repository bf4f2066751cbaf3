"""What the bench does to processes ends when it does."""

from __future__ import annotations

import os

import pytest

from bench.process import MEDIA_PRIORITY, media_priority


def own_priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, os.getpid())


def test_priority_is_given_back_where_it_could_be_had() -> None:
    before = own_priority()
    with media_priority(os.getpid()):
        assert own_priority() == (MEDIA_PRIORITY if os.geteuid() == 0 else before)
    assert own_priority() == before


def test_priority_is_given_back_after_an_error() -> None:
    before = own_priority()
    with pytest.raises(ValueError, match="in between"), media_priority(os.getpid()):
        raise ValueError("in between")
    assert own_priority() == before


def test_who_has_gone_meanwhile_is_not_missed() -> None:
    gone = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    with media_priority(gone):
        os.kill(gone, 9)
        os.waitpid(gone, 0)
