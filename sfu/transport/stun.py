"""STUN Binding requests and success responses, in and out (RFC 8489), as far as our ICE agent needs them.

Reading is our own and not aioice's: aioice lets an attribute reach past the end of the message, takes the last of two equal
attributes where RFC 8489 14 says the first, and raises three kinds of exception. A stranger is to be turned away before any
of that: `local_ufrag` reads in place, without an exception, just far enough to see whose request it claims to be.
Reading and answering a check this way costs a third of what it does with aioice's classes, which the tests keep as a second opinion.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from dataclasses import dataclass

from sfu.errors import MalformedPacket
from sfu.transport.address import Source, ip_bytes

HEADER_LENGTH = 20
COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
PRIORITY = 0x0024
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029
ICE_CONTROLLING = 0x802A

COMPREHENSION_OPTIONAL = 0x8000
"""Attribute types from here on may be passed over by who does not know them (RFC 8489 14)."""

_LENGTHS = {MESSAGE_INTEGRITY: 20, PRIORITY: 4, USE_CANDIDATE: 0, FINGERPRINT: 4, ICE_CONTROLLED: 8, ICE_CONTROLLING: 8}

MAX_ATTRIBUTES = 32
"""Browsers send about eight. What has more is not worth the walk."""
MAX_USERNAME = 513
"""Bytes, RFC 8489 14.3."""

_CHECK_PRIORITY = ((110 << 24) | (65535 << 8) | 255).to_bytes(4, "big")
"""RFC 8445 5.1.2: that of a peer-reflexive candidate, as which the peer would know us."""
_FINGERPRINT_XOR = 0x5354554E
_FINGERPRINT_SIZE = 8
_INTEGRITY_SIZE = 24
_HEADER = struct.Struct("!HHI")
_ATTRIBUTE = struct.Struct("!HH")


def local_ufrag(view: memoryview | bytes, offset: int, length: int) -> bytes | None:
    """The part of USERNAME before the colon: ours, if this is a Binding request for one of our peers.

    None for everything that is not a Binding request with a USERNAME. Nothing is verified.
    """
    if length < HEADER_LENGTH:
        return None
    kind, body, cookie = _HEADER.unpack_from(view, offset)
    if kind != BINDING_REQUEST or cookie != COOKIE or body != length - HEADER_LENGTH or body & 3:
        return None
    at, end = offset + HEADER_LENGTH, offset + length
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > end:
            return None
        attribute, size = _ATTRIBUTE.unpack_from(view, at)
        if attribute == USERNAME:
            if size > MAX_USERNAME or at + 4 + size > end:
                return None
            return bytes(view[at + 4 : at + 4 + size]).partition(b":")[0]
        at += 4 + (size + 3 & ~3)
    return None


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A well-formed Binding request. Its FINGERPRINT is right if it has one; its integrity is for `is_authentic` to say."""

    transaction_id: bytes
    username: bytes
    use_candidate: bool
    controlled: bool
    """The sender takes itself for the controlled agent (ICE-CONTROLLED)."""
    covered: bytes
    """What MESSAGE-INTEGRITY is computed over (RFC 8489 14.5)."""
    integrity: bytes

    def is_authentic(self, password: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY is right under this password. Takes the same time for every wrong one."""
        return hmac.compare_digest(hmac.digest(password, self.covered, "sha1"), self.integrity)


def parse_request(data: bytes) -> BindingRequest:
    """Read a whole datagram as a Binding request of an ICE agent (RFC 8445 7.1.1, 7.3).

    USERNAME and MESSAGE-INTEGRITY must be there. MalformedPacket for anything else, and for an attribute that we would have
    to understand and do not: the 420 that RFC 8489 6.3.1 has for that would be an answer to a stranger.
    """
    if len(data) < HEADER_LENGTH:
        raise MalformedPacket("shorter than a STUN header")
    kind, body, cookie = _HEADER.unpack_from(data)
    if kind != BINDING_REQUEST or cookie != COOKIE:
        raise MalformedPacket("not a STUN Binding request")
    if body != len(data) - HEADER_LENGTH or body & 3:
        raise MalformedPacket("a STUN length that is not the datagram's")
    found, integrity_at = _attributes(data)
    if USERNAME not in found or integrity_at is None:
        raise MalformedPacket("a STUN request without USERNAME or MESSAGE-INTEGRITY")
    covered = _with_length(data[:integrity_at], integrity_at - HEADER_LENGTH + _INTEGRITY_SIZE)
    return BindingRequest(
        transaction_id=data[8:HEADER_LENGTH],
        username=found[USERNAME],
        use_candidate=USE_CANDIDATE in found,
        controlled=ICE_CONTROLLED in found,
        covered=covered,
        integrity=found[MESSAGE_INTEGRITY],
    )


def success(request: BindingRequest, source: Source, password: bytes) -> bytes:
    """The success response to an authentic request: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT, and nothing else."""
    address = ip_bytes(source)
    # RFC 8489 14.2: the port against the cookie's upper half, the address against cookie and transaction id.
    pad = struct.pack("!I", COOKIE) + request.transaction_id
    value = bytes((0, 1 if len(address) == 4 else 2, source[0] ^ pad[0], source[1] ^ pad[1]))
    value += bytes(a ^ b for a, b in zip(address, pad, strict=False))
    return _sealed(BINDING_SUCCESS, request.transaction_id, [(XOR_MAPPED_ADDRESS, value)], password)


def check(transaction_id: bytes, username: bytes, password: bytes, tie_breaker: bytes) -> bytes:
    """A check of our own (RFC 8445 7.1.1) to a peer that controls: it nominates nothing. `password` is the peer's."""
    attributes = [(USERNAME, username), (PRIORITY, _CHECK_PRIORITY), (ICE_CONTROLLED, tie_breaker)]
    return _sealed(BINDING_REQUEST, transaction_id, attributes, password)


def answered(view: memoryview | bytes, offset: int, length: int) -> bytes | None:
    """The transaction id of what is a success response by its header; None for everything else. Nothing is verified."""
    if length < HEADER_LENGTH:
        return None
    kind, body, cookie = _HEADER.unpack_from(view, offset)
    if kind != BINDING_SUCCESS or cookie != COOKIE or body != length - HEADER_LENGTH or body & 3:
        return None
    return bytes(view[offset + 8 : offset + HEADER_LENGTH])


def is_authentic_answer(data: bytes, password: bytes) -> bool:
    """Whether a success response, a whole datagram, was made by who has this password. MalformedPacket for what is none."""
    if answered(data, 0, len(data)) is None:
        raise MalformedPacket("not a STUN success response")
    found, integrity_at = _attributes(data, XOR_MAPPED_ADDRESS)
    if integrity_at is None:
        raise MalformedPacket("a STUN response without MESSAGE-INTEGRITY")
    covered = _with_length(data[:integrity_at], integrity_at - HEADER_LENGTH + _INTEGRITY_SIZE)
    return hmac.compare_digest(hmac.digest(password, covered, "sha1"), found[MESSAGE_INTEGRITY])


def _sealed(kind: int, transaction_id: bytes, attributes: list[tuple[int, bytes]], password: bytes) -> bytes:
    """A message with MESSAGE-INTEGRITY and FINGERPRINT behind these attributes."""
    message = _HEADER.pack(kind, 0, COOKIE) + transaction_id
    for attribute, value in attributes:
        message += _ATTRIBUTE.pack(attribute, len(value)) + value + bytes(-len(value) % 4)
    message = _with_length(message, len(message) - HEADER_LENGTH + _INTEGRITY_SIZE)
    message += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20) + hmac.digest(password, message, "sha1")
    message = _with_length(message, len(message) - HEADER_LENGTH + _FINGERPRINT_SIZE)
    return message + _ATTRIBUTE.pack(FINGERPRINT, 4) + struct.pack("!I", _fingerprint(message))


def _attributes(data: bytes, *known: int) -> tuple[dict[int, bytes], int | None]:
    """The attributes by type, the first of each, and where MESSAGE-INTEGRITY begins. `known` are types that may be there too.

    After MESSAGE-INTEGRITY only FINGERPRINT counts, and after that nothing may come (RFC 8489 14.5, 14.7).
    """
    found: dict[int, bytes] = {}
    integrity_at = None
    at, end = HEADER_LENGTH, len(data)
    for _ in range(MAX_ATTRIBUTES):
        if at == end:
            return found, integrity_at
        if at + 4 > end:
            break
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        following = at + 4 + (size + 3 & ~3)
        if following > end or size != _LENGTHS.get(kind, size):
            break
        value = data[at + 4 : at + 4 + size]
        if kind == FINGERPRINT:
            if following != end or struct.unpack("!I", value)[0] != _fingerprint(data[:at]):
                break
        elif integrity_at is None:
            if kind == MESSAGE_INTEGRITY:
                integrity_at = at
            elif kind == USERNAME:
                if size > MAX_USERNAME:
                    break
            elif kind < COMPREHENSION_OPTIONAL and kind not in _LENGTHS and kind not in known:
                break
            found.setdefault(kind, value)
        at = following
    raise MalformedPacket("STUN attributes that do not fit")


def _with_length(message: bytes, length: int) -> bytes:
    return message[:2] + length.to_bytes(2, "big") + message[4:]


def _fingerprint(before: bytes) -> int:
    """RFC 8489 14.7; `before` is the message up to the attribute, its length field counting the attribute."""
    return binascii.crc32(before) ^ _FINGERPRINT_XOR
