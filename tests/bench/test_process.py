"""What the bench does to processes ends when it does."""

from __future__ import annotations

import os

import pytest

from bench.process import MEDIA_PRIORITY, media_priority


def own_priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, os.getpid())


@pytest.fixture
def set_to(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The priorities that are set: who runs the tests may be allowed to set some, all or none."""
    asked: list[int] = []
    monkeypatch.setattr(os, "setpriority", lambda which, pid, priority: asked.append(priority))
    return asked


def test_priority_is_given_back(set_to: list[int]) -> None:
    before = own_priority()
    with media_priority(os.getpid()):
        assert set_to == [MEDIA_PRIORITY]
    assert set_to == [MEDIA_PRIORITY, before]


def test_priority_is_given_back_after_an_error(set_to: list[int]) -> None:
    before = own_priority()
    with pytest.raises(ValueError, match="in between"), media_priority(os.getpid()):
        raise ValueError("in between")
    assert set_to == [MEDIA_PRIORITY, before]


def test_where_it_is_not_allowed_nothing_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse(which: int, pid: int, priority: int) -> None:
        asked.append(priority)
        raise PermissionError(priority)

    monkeypatch.setattr(os, "setpriority", refuse)
    with media_priority(os.getpid()):
        pass
    assert asked == [MEDIA_PRIORITY]


def test_who_has_gone_meanwhile_is_not_missed() -> None:
    gone = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    with media_priority(gone):
        os.kill(gone, 9)
        os.waitpid(gone, 0)
    with media_priority(gone):
        pass
