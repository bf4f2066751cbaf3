from __future__ import annotations

import pytest

from sfu.transport.address import IPV4_LENGTH, IPV6_LENGTH, ip_bytes, port, socket_address, source


@pytest.mark.parametrize(
    ("address", "length", "full"),
    [
        (("192.0.2.1", 40000), IPV4_LENGTH, ("192.0.2.1", 40000)),
        (("2001:db8::1", 1), IPV6_LENGTH, ("2001:db8::1", 1, 0, 0)),
        (("fe80::1%lo", 65535, 0, 7), IPV6_LENGTH, ("fe80::1", 65535, 0, 7)),
    ],
)
def test_an_address_becomes_a_source_and_back(address: tuple[str, int], length: int, full: tuple[object, ...]) -> None:
    key = source(address)
    assert len(key) == length
    assert socket_address(key) == full
    assert port(key) == address[1]


def test_an_ipv4_address_in_an_ipv6_one_is_an_ipv4_address() -> None:
    assert (
        ip_bytes(source(("::ffff:192.0.2.1", 5, 0, 0))) == bytes((192, 0, 2, 1)) == ip_bytes(source(("192.0.2.1", 9)))
    )
    assert len(ip_bytes(source(("2001:db8::1", 5, 0, 0)))) == 16
