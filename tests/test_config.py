"""The configuration: the file at the root is the defaults, and every fault is one line that names the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from sfu.config import Config, load, parse, read
from sfu.errors import ConfigError

ROOT = Path(__file__).parent.parent
HASH = "sha256:" + "0" * 64
PORTAL = f'[[portals]]\nid = "cosmic"\nkey_hash = "{HASH}"\n'
LISTEN = 'must be an address and a port, such as "127.0.0.1:8080" or "[::1]:8080"'
ORIGIN = 'a web origin without a path, such as "https://evisit.example"'
PORTAL_ID = "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"


def test_the_file_at_the_root_equals_the_defaults() -> None:
    assert load(ROOT / "config.toml") == Config() == load()


def test_the_file_at_the_root_shows_every_key() -> None:
    text = (ROOT / "config.toml").read_text()
    for name, field in Config.model_fields.items():
        if name == "portals":
            continue
        section = text.split(f"\n[{name}]\n")[1].split("\n[")[0]
        shown = {line.split(" = ")[0] for line in section.splitlines() if " = " in line and not line.startswith("#")}
        assert shown == set(field.default.__class__.model_fields), name


def test_every_key_of_a_portal_is_shown() -> None:
    text = (ROOT / "config.toml").read_text()
    block = text.split("# [[portals]]\n")[1]
    assert {line[2:].split(" = ")[0] for line in block.splitlines()} == {"id", "key_hash", "scopes", "shares_with"}


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        '[web]\nlisten = "[::1]:443"\nallowed_origins = ["https://a.example"]\n[visits]\nguardian_age = 15\n'
    )
    config = load(file)
    assert config.web.listen == "[::1]:443"
    assert config.web.allowed_origins == ("https://a.example",)
    assert config.visits.guardian_age == 15
    assert config.media == Config().media
    assert config.visits.opens_before_minutes == 30


def test_the_database_lies_in_its_folder_unless_a_url_says_otherwise() -> None:
    beside, elsewhere = (
        parse('[database]\ndirectory = "/var/evisit"\n')[0],
        parse('[database]\nurl = "sqlite:////x/y.db"')[0],
    )
    assert beside is not None
    assert elsewhere is not None
    assert beside.database.address == "sqlite:////var/evisit/evisit.db"
    assert beside.database.keys == Path("/var/evisit/keys")
    assert elsewhere.database.address == "sqlite:////x/y.db"


def test_the_tree_is_frozen() -> None:
    config = parse(PORTAL + 'scopes = ["visits:read"]')[0]
    assert config is not None
    with pytest.raises(ValidationError):
        config.web.listen = "127.0.0.1:1"
    assert isinstance(config.portals, tuple)
    assert isinstance(config.portals[0].scopes, tuple)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web = 3", "web must be a table"),
        (
            '[wbe]\nlisten = ""',
            "wbe is unknown; known here: admission, database, limits, logging, media, portals, tickets, visits, web",
        ),
        ("[tickets]\nlifetime = 3", "tickets.lifetime is unknown; known here: lifetime_minutes"),
        ('[tickets]\n"a\\nb" = 3', 'tickets."a\\nb" is unknown; known here: lifetime_minutes'),
        ("[web]\nlisten = 8080", f"web.listen {LISTEN}"),
        ('[web]\nlisten = "8080"', f"web.listen {LISTEN}"),
        ('[web]\nlisten = "127.0.0.1:65536"', f"web.listen {LISTEN}"),
        ('[web]\nlisten = "::1:80"', f"web.listen {LISTEN}"),
        ('[web]\nmetrics_listen = "[::g]:80"', f"web.metrics_listen {LISTEN}"),
        ('[web]\npublic_url = "evisit.example"', f"web.public_url must be {ORIGIN}"),
        ('[web]\npublic_url = "https://evisit.example/"', f"web.public_url must be {ORIGIN}"),
        ('[web]\npublic_url = "https://evisit.example:99999"', f"web.public_url must be {ORIGIN}"),
        ('[web]\npublic_url = "https://u:p@evisit.example"', f"web.public_url must be {ORIGIN}"),
        ('[web]\npublic_url = "javascript:alert(1)"', f"web.public_url must be {ORIGIN}"),
        ('[web]\nallowed_origins = "https://a"', f"web.allowed_origins must be an array; each item {ORIGIN}"),
        ('[web]\nallowed_origins = ["https://a", "*"]', f"web.allowed_origins[1] must be {ORIGIN}"),
        ("[web]\ndrain_minutes = -1", "web.drain_minutes must be a whole number from 0 to 1440"),
        ('[media]\nadvertise = ["host.example"]', 'media.advertise[0] must be an IP address, such as "203.0.113.7"'),
        ("[media]\nsender_cap_kbps = 50", "media.sender_cap_kbps must be a whole number from 100 to 50000"),
        ("[admission]\nroom_capacity = 1", "admission.room_capacity must be a whole number from 2 to 100"),
        ("[admission]\nroom_capacity = true", "admission.room_capacity must be a whole number from 2 to 100"),
        ("[admission]\nresume_seconds = 120.0", "admission.resume_seconds must be a whole number from 5 to 3600"),
        ('[admission]\nlobby_capacity = "50"', "admission.lobby_capacity must be a whole number from 1 to 1000"),
        ("[visits]\nguardian_age = 19", "visits.guardian_age must be a whole number from 0 to 18"),
        ("[tickets]\nlifetime_minutes = 0", "tickets.lifetime_minutes must be a whole number from 1 to 120"),
        ('[database]\ndirectory = ""', "database.directory must be the path of a folder"),
        (
            '[database]\nurl = "postgresql://u:secret@h/d"',
            'database.url must be empty, or "sqlite:///" and the path of a file',
        ),
        (
            '[database]\nurl = "sqlite:///:memory:"',
            'database.url must be empty, or "sqlite:///" and the path of a file',
        ),
        ("[limits]\nmessages_per_second = 100", "limits.message_burst must be at least limits.messages_per_second"),
        ('[logging]\nlevel = "INFO"', 'logging.level must be one of "debug", "info", "warning", "error"'),
        ('[logging]\nformat = "text"', 'logging.format must be one of "auto", "json", "console"'),
        ("portals = 3", "portals must be an array of tables"),
        ("portals = [3]", "portals[0] must be a table"),
        (f'[[portals]]\nkey_hash = "{HASH}"', PORTAL_ID.replace("must", "portals[0].id is missing; it must", 1)),
        (f'[[portals]]\nid = "Cosmic"\nkey_hash = "{HASH}"', f"portals[0].id {PORTAL_ID}"),
        (
            '[[portals]]\nid = "cosmic"\nkey_hash = "the key itself"',
            'portals[0].key_hash must be "sha256:" and 64 hex digits, as `portal add` prints',
        ),
        (
            PORTAL + 'scopes = ["all"]',
            'portals[0].scopes[0] must be one of "visits:write", "visits:read", "tickets:staff", "tickets:citizen", '
            '"invitations", "audit:read"',
        ),
        (PORTAL + 'shares_with = ["1177"]', "portals[0].shares_with[0] must be the id of a portal in this file"),
        (PORTAL + PORTAL.replace("0000", "0001", 1), "portals[1].id must differ from that of portals[0]"),
        (PORTAL + PORTAL.replace("cosmic", "other"), "portals[1].key_hash must differ from that of portals[0]"),
        ("[web", "is not TOML: Expected ']' at the end of a table declaration (at end of document)"),
        ("a = " + "[" * 5_000, "is not TOML: nested too deeply"),
    ],
)
def test_a_fault_is_one_line_that_names_the_key_and_what_it_may_be(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: {message}"
    assert "\n" not in message


def test_every_fault_of_a_file_is_found_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[web]\nlisten = 1\n[visits]\nguardian_age = 99\n[x]\n")
    config, faults = read(file)
    assert config is None
    assert len(faults) == 3
    assert all(fault.startswith(f"{file}: ") for fault in faults)


def test_a_fault_never_quotes_the_value() -> None:
    assert "s3cret" not in "".join(parse('[database]\nurl = "postgresql://u:s3cret@h/d"\n[web]\nlisten = "s3cret"')[1])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing, binary = tmp_path / "none.toml", tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file or directory$"):
        load(missing)
    with pytest.raises(ConfigError, match=r"binary\.toml: is not UTF-8$"):
        load(binary)
