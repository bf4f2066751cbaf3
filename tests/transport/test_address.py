from __future__ import annotations

import pytest

from sfu.transport.address import (
    IPV4_LENGTH,
    IPV6_LENGTH,
    connection_source,
    ip_bytes,
    is_connection,
    port,
    socket_address,
    source,
)


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


@pytest.mark.parametrize("address", [("192.0.2.1", 40000), ("2001:db8::1", 1, 0, 0), ("::ffff:192.0.2.1", 5, 0, 0)])
def test_a_connection_is_a_source_of_its_own_with_the_same_address(address: tuple[str, int]) -> None:
    datagrams, one, another = source(address), connection_source(address, 1), connection_source(address, 2)
    assert len({datagrams, one, another}) == 3
    assert [is_connection(each) for each in (datagrams, one, another)] == [False, True, True]
    for connection in (one, another):
        assert socket_address(connection) == socket_address(datagrams)
        assert port(connection) == port(datagrams)
        assert ip_bytes(connection) == ip_bytes(datagrams)
