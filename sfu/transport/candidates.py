"""The addresses that answers name for media to be sent to (RFC 8445 5.1.1)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import ifaddr


def candidates(host: str, port: int, advertise: Iterable[str] = ()) -> tuple[tuple[str, int], ...]:
    """(address, port) of each host candidate of a socket that is bound to `host`, best first.

    `advertise` where given, else what the socket is bound to; on a wildcard, this machine's own addresses, of IPv6 too where that is `::`.
    """
    wildcard = ipaddress.ip_address(host).is_unspecified
    own = own_addresses(ipv6=":" in host) if wildcard else (host,)
    return tuple((plain(address), port) for address in tuple(advertise) or own)


def plain(address: str) -> str:
    """An address as a candidate names it: without a scope, which means something on this machine alone, and IPv4 as IPv4."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return str((parsed.ipv4_mapped if parsed.version == 6 else None) or parsed)


def own_addresses(*, ipv6: bool) -> tuple[str, ...]:
    """This machine's addresses for candidates: IPv4, then IPv6 where wanted, loopback last. No link-local ones."""
    found = set()
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            address = ipaddress.ip_address(each.ip if isinstance(each.ip, str) else each.ip[0])
            if not address.is_link_local and (ipv6 or address.version == 4):
                found.add(address)
    return tuple(str(each) for each in sorted(found, key=lambda each: (each.is_loopback, each.version, int(each))))
