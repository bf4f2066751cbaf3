from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from sfu.admission.relays import Relays
from sfu.redact import Redacted

WALL = datetime(2026, 11, 23, 9, 0, 0, 999_999, tzinfo=UTC)
URLS = ("turn:relay.example:3478?transport=udp", "turns:relay.example:443?transport=tcp")
RELAYS = Relays(URLS, Redacted("north"), minutes=10)
TOKEN = "0123456789abcdef0123456789abcdef"


def test_without_relays_there_are_no_ice_servers() -> None:
    assert Relays().ice_servers(WALL, TOKEN) == []
    assert not Relays()


def test_a_credential_is_what_coturn_computes() -> None:
    """`use-auth-secret`: password = base64(HMAC-SHA1(secret, username)), the username beginning with when it ends."""
    [server] = RELAYS.ice_servers(WALL, TOKEN)
    ends, _, user = server["username"].partition(":")
    assert server["urls"] == list(URLS)
    assert datetime.fromtimestamp(int(ends), UTC) == WALL.replace(microsecond=0) + timedelta(minutes=10)
    assert user == TOKEN
    expected = hmac.new(b"north", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected


def test_a_known_credential() -> None:
    [server] = RELAYS.ice_servers(datetime.fromtimestamp(1_433_895_318, UTC), "1")
    assert server["username"] == "1433895918:1"
    # printf %s 1433895918:1 | openssl dgst -sha1 -hmac north -binary | base64
    assert server["credential"] == "FVvRuEpfqU2aWPC2GTK78NIG77I="


@pytest.mark.parametrize("minutes", [1, 10])
def test_it_ends_after_its_lifetime(minutes: int) -> None:
    [server] = Relays(URLS, Redacted("s"), minutes=minutes).ice_servers(WALL, TOKEN)
    assert int(server["username"].partition(":")[0]) - int(WALL.timestamp()) == 60 * minutes


def test_the_secret_is_in_nothing_that_is_printed() -> None:
    assert "north" not in repr(vars(RELAYS))
