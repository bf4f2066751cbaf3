"""The configuration: the file at the root is the defaults, and every fault is one line that names the key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from sfu.config import Config, Database, Smtp, Turn, Webhook, WebhookEvent, load, parse, read
from sfu.errors import ConfigError

ROOT = Path(__file__).parent.parent
HASH = "sha256:" + "0" * 64
PORTAL = f'[[portals]]\nid = "cosmic"\nkey_hash = "{HASH}"\n'
LISTEN = 'must be an address and a port, such as "127.0.0.1:8080" or "[::1]:8080"'
DATABASE = 'empty, "sqlite:///" and the path of a file, or "postgresql://user@host/name" without a password'
EMBEDDER = 'a web origin with https, such as "https://portal.example"'
ORIGIN = 'a web origin without a path, such as "https://evisit.example"'
PORTAL_ID = "must be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"
REGION = '[invitations]\nregion = "Region X"\nhelp_phone = "0771"\n'
SENDER = 'must be empty, or a mail address, such as "evisit@region.example"'
ZONE = 'must be the name of a time zone, such as "Europe/Stockholm"'
WEBHOOK = '[[webhooks]]\nid = "care"\nurl = "https://care.example/evisit"\n'
URL = "must be an https:// URL without user and fragment; http:// to this machine alone"
TURN_URL = 'turn.urls[0] must be a TURN URI, such as "turns:relay.example:443?transport=tcp"'
EVENTS = ", ".join(f'"{event}"' for event in get_args(WebhookEvent))


def test_the_file_at_the_root_equals_the_defaults() -> None:
    assert load(ROOT / "config.toml") == Config() == load()


def test_the_file_at_the_root_shows_every_key() -> None:
    text = (ROOT / "config.toml").read_text()
    for name, field in Config.model_fields.items():
        if name in ("portals", "webhooks"):
            continue
        section = text.split(f"\n[{name}]\n")[1].split("\n[")[0]
        shown = {line.split(" = ")[0] for line in section.splitlines() if " = " in line and not line.startswith("#")}
        assert shown == set(field.default.__class__.model_fields), name


def test_every_key_of_a_portal_is_shown() -> None:
    text = (ROOT / "config.toml").read_text()
    block = text.split("# [[portals]]\n")[1].split("\n#\n")[0]
    assert {line[2:].split(" = ")[0] for line in block.splitlines()} == {"id", "key_hash", "scopes", "shares_with"}


def test_every_key_of_a_webhook_is_shown_and_the_example_holds() -> None:
    block = (ROOT / "config.toml").read_text().split("# [[webhooks]]\n")[1]
    lines = [line.removeprefix("# ") for line in block.splitlines()]
    shown = {line.split(" = ")[0] for line in lines if " = " in line}
    assert shown == set(Webhook.model_fields)
    config, faults = parse(
        "[[webhooks]]\n" + "\n".join(re.sub(r"   +(from|whose|\"whsec).*", "", line) for line in lines)
    )
    assert config is not None, faults
    assert config.webhooks[0].events == get_args(WebhookEvent)


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
    assert beside.database.address().reveal() == "sqlite:////var/evisit/evisit.db"
    assert beside.database.keys == Path("/var/evisit/keys")
    assert elsewhere.database.address().reveal() == "sqlite:////x/y.db"


def test_a_password_of_the_database_comes_from_a_file_or_the_environment_and_does_not_print(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret/with:@marks\n")
    by_file, by_environment, without = (
        Database(url="postgresql://evisit@db.example:5433/visits?sslmode=verify-full", password_file=name).address(told)
        for name, told in ((str(file), {}), ("", {"EVISIT_DATABASE_PASSWORD": "s3cret/with:@marks"}), ("", {}))
    )
    assert by_file == by_environment
    assert by_file.reveal() == (
        "postgresql://evisit:s3cret%2Fwith%3A%40marks@db.example:5433/visits?sslmode=verify-full"
    )
    assert without.reveal() == "postgresql://evisit@db.example:5433/visits?sslmode=verify-full"
    assert "s3cret" not in f"{by_file} {by_file!r}"
    with pytest.raises(ConfigError, match=r"database\.password_file cannot be read"):
        Database(url="postgresql://u@h/d", password_file="/nowhere/password").address({})


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
            "wbe is unknown; known here: admission, audit, branding, database, invitations, limits, logging, media, portals, "
            "smtp, tickets, turn, visits, web, webhooks",
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
        ('[web]\nallowed_embedders = ["http://portal.example"]', f"web.allowed_embedders[0] must be {EMBEDDER}"),
        ('[web]\nallowed_embedders = ["https://a.example;x"]', f"web.allowed_embedders[0] must be {EMBEDDER}"),
        ('[web]\nallowed_embedders = ["https://*.example"]', f"web.allowed_embedders[0] must be {EMBEDDER}"),
        ('[web]\nallowed_origins = "https://a"', f"web.allowed_origins must be an array; each item {ORIGIN}"),
        ('[web]\nallowed_origins = ["https://a", "*"]', f"web.allowed_origins[1] must be {ORIGIN}"),
        ("[web]\ndrain_minutes = -1", "web.drain_minutes must be a whole number from 0 to 1440"),
        ('[media]\nadvertise = ["fe80::1%eth0"]', 'media.advertise[0] must be an IP address, such as "203.0.113.7"'),
        ('[media]\nadvertise = ["0.0.0.0"]', 'media.advertise[0] must be an IP address, such as "203.0.113.7"'),
        ('[media]\nadvertise = ["ff02::1"]', 'media.advertise[0] must be an IP address, such as "203.0.113.7"'),
        ('[media]\ntcp = "yes"', "media.tcp must be true or false"),
        ('[turn]\nurls = ["stun:relay.example"]', TURN_URL),
        ('[turn]\nurls = ["turn:relay.example?transport=sctp"]', TURN_URL),
        ('[turn]\nurls = ["turn://relay.example"]', TURN_URL),
        ('[turn]\nurls = ["turn:user@relay.example"]', TURN_URL),
        ("[turn]\nlifetime_minutes = 11", "turn.lifetime_minutes must be a whole number from 1 to 10"),
        ('[media]\nadvertise = ["host.example"]', 'media.advertise[0] must be an IP address, such as "203.0.113.7"'),
        ("[media]\nreceiver_cap_kbps = 0", "media.receiver_cap_kbps must be a whole number from 100 to 100000"),
        ("[media]\nsender_cap_kbps = 50", "media.sender_cap_kbps must be a whole number from 100 to 50000"),
        ("[admission]\nroom_capacity = 1", "admission.room_capacity must be a whole number from 2 to 100"),
        ("[admission]\nroom_capacity = true", "admission.room_capacity must be a whole number from 2 to 100"),
        ("[admission]\nresume_seconds = 120.0", "admission.resume_seconds must be a whole number from 5 to 3600"),
        ('[admission]\nlobby_capacity = "50"', "admission.lobby_capacity must be a whole number from 1 to 120"),
        ("[visits]\nguardian_age = 19", "visits.guardian_age must be a whole number from 0 to 18"),
        ("[tickets]\nlifetime_minutes = 0", "tickets.lifetime_minutes must be a whole number from 1 to 120"),
        ('[database]\ndirectory = ""', "database.directory must be the path of a folder"),
        *(
            (f'[database]\nurl = "{url}"', f"database.url must be {DATABASE}")
            for url in (
                "sqlite:///:memory:",
                "mysql://u@h/d",
                "postgresql://u:secret@h/d",
                "postgresql://u:@h/d",
                "postgresql://u@h",
                "postgresql://u@h/d/e",
                "postgresql://u@h:99999/d",
                "postgresql://u@h/d?password=secret",
                "postgresql://u@h/d?options=-csynchronous_commit%3Doff",
                "postgresql://u@h/d#f",
            )
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
        ('[branding]\naccent_color = "teal"', 'branding.accent_color must be empty, or a colour such as "#0b5568"'),
        ('[invitations]\ntime_zone = "Mars/Base"', f"invitations.time_zone {ZONE}"),
        ('[invitations]\ntime_zone = "../../etc/passwd"', f"invitations.time_zone {ZONE}"),
        (
            '[invitations]\nmotto = "two\\nlines"',
            "invitations.motto must be one line of at most 200 printable characters",
        ),
        ('[smtp]\nsender = "a@b.se, c@d.se"', f"smtp.sender {SENDER}"),
        ('[smtp]\nsender = "a@b.se\\r\\nBcc: c@d.se"', f"smtp.sender {SENDER}"),
        (f'{REGION}[smtp]\nhost = "mail.region.example"', "smtp.sender must be given where smtp.host is"),
        (
            '[smtp]\nhost = "m.example"\nsender = "a@b.se"\n[invitations]\nregion = "R"',
            "invitations.help_phone must be given where smtp.host is",
        ),
        (
            f'{REGION}[smtp]\nhost = "m.example"\nsender = "a@b.se"\nsecurity = "none"',
            'smtp.security must be "starttls" or "tls" unless smtp.host is this machine',
        ),
        (WEBHOOK.replace("https", "http"), f"webhooks[0].url {URL}"),
        (WEBHOOK.replace("https", "file"), f"webhooks[0].url {URL}"),
        (WEBHOOK.replace("//", "//u:p@"), f"webhooks[0].url {URL}"),
        (WEBHOOK + 'events = ["visit.x"]', "webhooks[0].events[0] must be one of " + EVENTS),
        (WEBHOOK + 'portals = ["1177"]', "webhooks[0].portals[0] must be the id of a portal in this file"),
        (WEBHOOK + WEBHOOK, "webhooks[1].id must differ from that of webhooks[0]"),
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


def test_a_secret_comes_from_its_file_or_the_environment_and_does_not_print(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    from_file = Smtp(username="u", password_file=str(file)).password({})
    from_environment = Smtp(username="u").password({"EVISIT_SMTP_PASSWORD": "s3cret"})
    assert from_file == from_environment
    assert from_file is not None
    assert (from_file.reveal(), f"{from_file} {from_file!r}") == ("s3cret", "*** ***")
    assert Smtp().password({}) is None
    webhook = Webhook(id="care-record", url="https://care.example/")
    assert webhook.secret({"EVISIT_WEBHOOK_SECRET_CARE_RECORD": "whsec_x"}).reveal() == "whsec_x"
    assert Turn().secret({}) is None
    turn = Turn(urls=("turn:relay.example", "turn:[2001:db8::7]:3478?transport=tcp"))
    assert turn.secret({"EVISIT_TURN_SECRET": "s3cret"}) == from_file
    with pytest.raises(
        ConfigError, match=r"^turn\.secret_file must name a file, or the environment must hold EVISIT_TURN_SECRET$"
    ):
        turn.secret({})


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file or directory"), (b"", "is empty"), (b"\xff", "is not text")],
)
def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^smtp\.password_file {message}$"):
        Smtp(username="u", password_file=str(file)).password({})
    with pytest.raises(ConfigError, match="the environment must hold EVISIT_SMTP_PASSWORD"):
        Smtp(username="u").password({})
