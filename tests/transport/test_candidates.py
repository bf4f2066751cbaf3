from __future__ import annotations

import ipaddress

import pytest

from sfu.transport.candidates import candidates, own_addresses, plain


def test_candidates_are_what_is_advertised_else_what_is_bound() -> None:
    assert candidates("127.0.0.2", 5) == (("127.0.0.2", 5),)
    assert candidates("::1", 5) == (("::1", 5),)
    assert candidates("127.0.0.2", 5, ["203.0.113.7", "2001:db8::7"]) == (("203.0.113.7", 5), ("2001:db8::7", 5))


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_on_a_wildcard_candidates_are_this_machines_addresses_loopback_last(wildcard: str) -> None:
    found = candidates(wildcard, 5)
    addresses = [ipaddress.ip_address(host) for host, _ in found]
    assert ipaddress.ip_address("127.0.0.1") in addresses
    assert (ipaddress.ip_address("::1") in addresses) == (wildcard == "::" and "::1" in own_addresses(ipv6=True))
    assert all(address.version == 4 for address in addresses) or wildcard == "::"
    assert not any(address.is_link_local for address in addresses)
    loopbacks = [address.is_loopback for address in addresses]
    assert loopbacks == sorted(loopbacks)
    assert {port for _, port in found} == {5}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_told_as_others_can_use_it(address: str, told: str) -> None:
    assert plain(address) == told
    assert candidates(address, 5) == ((told, 5),)
