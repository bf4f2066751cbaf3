"""The server's own keys: made once, private, and the same after a restart."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfu.admission.roles import Role
from sfu.admission.tickets import Ticket
from sfu.errors import ConfigError, Refused
from sfu.ids import PersonId, VisitId
from sfu.visits.keys import add_ticket_key, load_or_create

WALL = datetime(2026, 11, 23, 9, tzinfo=UTC)
TICKET = Ticket(
    jti="k_1",
    issuer="cosmic",
    person=PersonId("1177:7f3"),
    visit=VisitId("v_1"),
    role=Role.PATIENT,
    name="Per P",
    units=(),
    expires_at=WALL + timedelta(minutes=15),
)


def test_keys_are_made_once_and_stay(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    assert load_or_create(folder, WALL) == load_or_create(folder, WALL + timedelta(days=1))
    assert len(list(folder.iterdir())) == 4


def test_every_server_has_keys_of_its_own(tmp_path: Path) -> None:
    one, two = load_or_create(tmp_path / "1", WALL), load_or_create(tmp_path / "2", WALL)
    secrets = [*(each.seed for keys in (one, two) for each in keys.tickets), one.link, two.link, one.answer, two.answer]
    assert len({secret.reveal() for secret in secrets}) == 6
    assert {len(secret.reveal()) for secret in secrets} == {32}


def test_nobody_else_can_read_them_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create(tmp_path / "keys", WALL)
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "keys").iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
@pytest.mark.parametrize("name", ["link.key", "answer.key", "ticket-"])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    load_or_create(tmp_path, WALL)
    (file,) = (path for path in tmp_path.iterdir() if path.name.startswith(name))
    file.chmod(mode)
    with pytest.raises(ConfigError, match="others may read this key"):
        load_or_create(tmp_path, WALL)


@pytest.mark.parametrize("content", [b"", b"00", b"g" * 64, b"0" * 66, b"\xff" * 64])
def test_a_file_that_is_no_key_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    load_or_create(tmp_path, WALL)
    (tmp_path / "link.key").write_bytes(content)
    with pytest.raises(ConfigError, match=r"link\.key: must hold 64 hex digits"):
        load_or_create(tmp_path, WALL)
    assert (tmp_path / "link.key").read_bytes() == content


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used for the server's keys"):
        load_or_create(tmp_path / "file" / "keys", WALL)


def test_keys_do_not_print(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path, WALL)
    for secret in (keys.link, keys.answer, keys.tickets[0].seed):
        assert secret.reveal().hex() not in repr(keys)
        assert repr(secret.reveal()) not in repr(keys)


def test_a_ticket_of_a_portal_is_read_after_a_restart(tmp_path: Path) -> None:
    words = load_or_create(tmp_path, WALL).signer("cosmic").mint(TICKET, WALL)
    assert load_or_create(tmp_path, WALL).verifier(["1177", "cosmic"]).verify(words, WALL) == TICKET


def test_a_ticket_of_a_portal_that_is_gone_is_good_no_more(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path, WALL)
    words = keys.signer("cosmic").mint(TICKET, WALL)
    with pytest.raises(Refused):
        keys.verifier(["1177"]).verify(words, WALL)


def test_a_new_ticket_key_signs_and_the_old_one_is_still_read(tmp_path: Path) -> None:
    old = load_or_create(tmp_path, WALL)
    words = old.signer("cosmic").mint(TICKET, WALL)
    kid = add_ticket_key(tmp_path, WALL + timedelta(days=1))
    new = load_or_create(tmp_path, WALL)
    assert [each.kid for each in new.tickets] == [kid, old.tickets[0].kid]
    assert new.verifier(["cosmic"]).verify(words, WALL) == TICKET
    fresh = new.signer("cosmic").mint(TICKET, WALL)
    assert new.verifier(["cosmic"]).verify(fresh, WALL) == TICKET
    with pytest.raises(Refused):
        old.verifier(["cosmic"]).verify(fresh, WALL)
