"""`portal add|list|revoke`: the file keeps its words, and an edit that would change anything else is not made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sfu import config, portals
from sfu.errors import ConfigError


def hashed(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text("# ours\n[web]\ndrain_minutes = 5 # short\n")
    path.chmod(0o640)
    return path


def test_a_portal_is_added_at_the_end_and_nothing_else_changes(file: Path) -> None:
    before = file.read_text()
    portals.add(file, "cosmic", hashed("a"))
    portals.add(file, "1177", hashed("b"), ["visits:read"])
    assert file.read_text().startswith(before)
    assert [portal.id for portal in portals.listed(file)] == ["cosmic", "1177"]
    assert portals.listed(file)[0].key_hash == hashed("a")
    assert portals.listed(file)[1].scopes == ("visits:read",)
    assert config.load(file).web.drain_minutes == 5
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("ending", ["", "\n", "\n\n", "# no line end"])
def test_revoking_undoes_adding(file: Path, ending: str) -> None:
    file.write_text(file.read_text() + ending)
    before = config.load(file)
    portals.add(file, "cosmic", hashed("a"))
    portals.revoke(file, "cosmic")
    assert config.load(file) == before
    assert "# ours" in file.read_text()


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_revoking_takes_out_one_portal_with_its_lines(file: Path, gone: int) -> None:
    ids = ["one", "two", "three"]
    file.write_text(
        file.read_text()
        + "".join(f'# about {id_}\n[[portals]]\nid = "{id_}"\nkey_hash = "{hashed(id_)}"\n\n' for id_ in ids)
        + '[logging]\nlevel = "debug"\n'
    )
    portals.revoke(file, ids[gone])
    assert [portal.id for portal in portals.listed(file)] == [id_ for id_ in ids if id_ != ids[gone]]
    assert config.load(file).logging.level == "debug"
    assert all(f"# about {id_}" in file.read_text() for id_ in ids)


def test_line_ends_are_kept(file: Path) -> None:
    file.write_bytes(b"# ours\r\n[web]\r\ndrain_minutes = 5\r\n")
    portals.add(file, "cosmic", hashed("a"))
    portals.revoke(file, "cosmic")
    assert file.read_bytes().startswith(b"# ours\r\n[web]\r\ndrain_minutes = 5\r\n")


@pytest.mark.parametrize(
    ("id_", "scopes", "message"),
    [
        ("cosmic", ["visits:read"], 'there is a portal "cosmic" already'),
        ("COSMIC", ["visits:read"], r"portals\[1\]\.id must be 1 to 63"),
        ("other", ["everything"], r"portals\[1\]\.scopes\[0\] must be one of"),
        ('x"\n[web]\nlisten="', ["visits:read"], r"portals\[1\]\.id must be 1 to 63"),
    ],
)
def test_a_portal_that_cannot_be_is_not_added(file: Path, id_: str, scopes: list[str], message: str) -> None:
    portals.add(file, "cosmic", hashed("a"))
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=message):
        portals.add(file, id_, hashed("b"), scopes)
    assert file.read_bytes() == before


def test_a_portal_that_others_share_with_is_not_revoked(file: Path) -> None:
    portals.add(file, "cosmic", hashed("a"))
    file.write_text(
        f'{file.read_text()}[[portals]]\nid = "1177"\nkey_hash = "{hashed("b")}"\nshares_with = ["cosmic"]\n'
    )
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"portals\[0\]\.shares_with\[0\] must be the id of a portal"):
        portals.revoke(file, "cosmic")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        f'portals = [{{id = "cosmic", key_hash = "{hashed("a")}"}}]\n',
        f'[["portals"]]\nid = "cosmic"\nkey_hash = "{hashed("a")}"\n',
    ],
)
def test_what_is_not_understood_line_by_line_is_left_alone(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match='cannot be edited safely; take portal "cosmic" out by hand'):
        portals.revoke(file, "cosmic")
    assert file.read_text() == text


def test_an_unknown_portal_is_said(file: Path) -> None:
    with pytest.raises(ConfigError, match='there is no portal "x"'):
        portals.revoke(file, "x")


def test_keys_are_256_random_bits() -> None:
    keys = {portals.new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {43}
