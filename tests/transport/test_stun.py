from __future__ import annotations

import binascii
import struct

import pytest
from aioice import stun as aioice_stun

from sfu.errors import MalformedPacket
from sfu.transport.address import source
from sfu.transport.parameters import LocalParameters
from sfu.transport.stun import (
    MAX_ATTRIBUTES,
    BindingRequest,
    answered,
    is_authentic_answer,
    local_ufrag,
    parse_request,
    success,
)
from sfu.transport.stun import check as our_check
from tests.transport.client import UFRAG, check

LOCAL = LocalParameters("serverufrag", "server-password", ("sha-256", ""), ())

# RFC 5769 2.1: a request with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
# RFC 5769 2.2 and 2.3: the mapped addresses of the sample responses.
RESPONSE_IPV4 = bytes.fromhex("00200008" + "0001a147e112a643")
RESPONSE_IPV6 = bytes.fromhex("00200014" + "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9")


def attribute(kind: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("!HH", kind, len(value) if length is None else length) + value + bytes(-len(value) % 4)


def request(*attributes: bytes) -> bytes:
    body = b"".join(attributes)
    return struct.pack("!HHI", 1, len(body), 0x2112A442) + bytes(range(12)) + body


def with_fingerprint(message: bytes) -> bytes:
    message = message[:2] + struct.pack("!H", len(message) - 20 + 8) + message[4:]
    return message + attribute(0x8028, struct.pack("!I", binascii.crc32(message) ^ 0x5354554E))


def test_the_sample_request_of_rfc_5769_is_authentic() -> None:
    parsed = parse_request(REQUEST)
    assert parsed.username == b"evtj:h6vY"
    assert parsed.controlled
    assert not parsed.use_candidate
    assert parsed.is_authentic(PASSWORD)
    assert not parsed.is_authentic(PASSWORD + b"x")
    assert local_ufrag(REQUEST, 0, len(REQUEST)) == b"evtj"


@pytest.mark.parametrize(
    ("address", "attribute"),
    [(("192.0.2.1", 32853), RESPONSE_IPV4), (("2001:db8:1234:5678:11:2233:4455:6677", 32853), RESPONSE_IPV6)],
)
def test_the_mapped_addresses_of_rfc_5769_are_made(address: tuple[str, int], attribute: bytes) -> None:
    response = success(parse_request(REQUEST), source(address), PASSWORD)
    assert response[20 : 20 + len(attribute)] == attribute
    assert response[8:20] == REQUEST[8:20]


@pytest.mark.parametrize("address", [("192.0.2.1", 1), ("2001:db8::1", 65535), ("::ffff:192.0.2.1", 7)])
def test_aioice_reads_our_response(address: tuple[str, int]) -> None:
    response = success(parse_request(check(LOCAL)), source(address), b"server-password")
    message = aioice_stun.parse_message(response)
    assert message.message_class == aioice_stun.Class.RESPONSE
    assert list(message.attributes) == ["XOR-MAPPED-ADDRESS", "MESSAGE-INTEGRITY", "FINGERPRINT"]
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (address[0].removeprefix("::ffff:"), address[1])
    assert message.check_message_integrity(b"server-password")


def test_a_response_to_ipv4_is_smaller_than_a_check() -> None:
    asked = check(LOCAL)
    assert len(success(parse_request(asked), source(("192.0.2.1", 1)), b"x")) == 64 < len(asked)


def test_a_check_of_aioice_is_read() -> None:
    asked = check(LOCAL, transaction=bytes(12))
    assert local_ufrag(b"junk" + asked, 4, len(asked)) == b"serverufrag"
    parsed = parse_request(asked)
    assert parsed.username == f"serverufrag:{UFRAG}".encode()
    assert parsed.use_candidate
    assert not parsed.controlled
    assert parsed.transaction_id == bytes(12)
    assert parsed.is_authentic(b"server-password")


@pytest.mark.parametrize("without", ["USERNAME", "MESSAGE-INTEGRITY"])
def test_username_and_integrity_must_be_there(without: str) -> None:
    with pytest.raises(MalformedPacket):
        parse_request(check(LOCAL, without=without))


def test_what_is_not_a_binding_request_belongs_to_nobody() -> None:
    asked = check(LOCAL)
    others = [struct.pack("!H", kind) for kind in (0x0011, 0x0101, 0x0111, 0x0003, 0x0000)]
    for head in others:
        assert local_ufrag(head + asked[2:], 0, len(asked)) is None
    for at in range(4, 8):
        broken = bytearray(asked)
        broken[at] ^= 1
        assert local_ufrag(bytes(broken), 0, len(asked)) is None


def test_every_truncation_is_refused() -> None:
    asked = check(LOCAL)
    for length in range(len(asked)):
        assert local_ufrag(asked, 0, length) is None
        with pytest.raises(MalformedPacket):
            parse_request(asked[:length])


def test_no_bit_that_counts_can_be_changed() -> None:
    asked = check(LOCAL)
    whole = parse_request(asked)
    for bit in range(len(asked) * 8):
        broken = bytearray(asked)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            parsed = parse_request(bytes(broken))
        except MalformedPacket:
            continue
        assert parsed == whole or not parsed.is_authentic(b"server-password"), bit


def test_every_attribute_type_and_length_is_read_or_refused() -> None:
    head = attribute(0x0006, b"serverufrag:cafe")
    tail = attribute(0x0008, bytes(20))
    kinds = [*range(0x0030), 0x001C, 0x7FFF, *range(0x8020, 0x8030), 0xC001, 0xC057, 0xFFFF]
    lengths = {0x0008: 20, 0x0024: 4, 0x0025: 0, 0x8029: 8, 0x802A: 8}
    for kind in kinds:
        for length in range(25):
            for claimed in (length, 65_535):
                data = request(head, attribute(kind, bytes(length), claimed), tail)
                readable = claimed == length and (
                    kind == 0x0006
                    or lengths.get(kind) == length
                    or (kind >= 0x8000 and kind not in lengths and kind != 0x8028)
                )
                if readable:
                    assert parse_request(data).username == b"serverufrag:cafe"
                else:
                    with pytest.raises(MalformedPacket):
                        parse_request(data)
                assert local_ufrag(data, 0, len(data)) == b"serverufrag"


def test_the_first_of_two_equal_attributes_counts() -> None:
    data = request(attribute(6, b"a:b"), attribute(6, b"c:d"), attribute(8, bytes(20)), attribute(8, b"x" * 20))
    parsed = parse_request(data)
    assert (parsed.username, parsed.integrity) == (b"a:b", bytes(20))
    assert local_ufrag(data, 0, len(data)) == b"a"


def test_what_follows_the_integrity_does_not_count() -> None:
    parsed = parse_request(request(attribute(6, b"a:b"), attribute(8, bytes(20)), attribute(0x25, b"")))
    assert not parsed.use_candidate


def test_nothing_may_follow_the_fingerprint() -> None:
    good = with_fingerprint(request(attribute(6, b"a:b"), attribute(8, bytes(20))))
    assert isinstance(parse_request(good), BindingRequest)
    more = good[:2] + struct.pack("!H", len(good) - 20 + 4) + good[4:] + attribute(0x8022, b"")
    with pytest.raises(MalformedPacket):
        parse_request(more)


def test_a_message_of_very_many_attributes_is_not_walked() -> None:
    data = request(*[attribute(0x8022, b"")] * MAX_ATTRIBUTES, attribute(6, b"a:b"), attribute(8, bytes(20)))
    assert local_ufrag(data, 0, len(data)) is None
    with pytest.raises(MalformedPacket):
        parse_request(data)


def test_a_username_without_a_colon_is_all_ours() -> None:
    data = request(attribute(6, b"abcd"), attribute(8, bytes(20)))
    assert local_ufrag(data, 0, len(data)) == b"abcd"


# RFC 5769 2.2: the whole sample response, with SOFTWARE.
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)


def test_the_sample_response_of_rfc_5769_is_authentic() -> None:
    assert answered(RESPONSE, 0, len(RESPONSE)) == RESPONSE[8:20]
    assert is_authentic_answer(RESPONSE, PASSWORD)
    assert not is_authentic_answer(RESPONSE, PASSWORD + b"x")


def test_a_check_of_ours_is_read_by_another_implementation_and_by_ourselves() -> None:
    made = our_check(bytes(range(12)), b"peer:ours", PASSWORD, bytes(8))
    told = aioice_stun.parse_message(made)
    assert told.check_message_integrity(PASSWORD)
    assert told.attributes["USERNAME"] == "peer:ours"
    assert told.attributes["PRIORITY"] == 110 << 24 | 65535 << 8 | 255
    assert told.attributes["ICE-CONTROLLED"] == 0
    parsed = parse_request(made)
    assert parsed.controlled
    assert not parsed.use_candidate
    assert parsed.is_authentic(PASSWORD)


@pytest.mark.parametrize(
    "data",
    [b"", RESPONSE[:19], RESPONSE[:-4], REQUEST, RESPONSE[:4] + bytes(4) + RESPONSE[8:], b"\x01\x11" + RESPONSE[2:]],
)
def test_what_is_no_response_is_none(data: bytes) -> None:
    assert answered(data, 0, len(data)) is None
    with pytest.raises(MalformedPacket):
        is_authentic_answer(data, PASSWORD)


@pytest.mark.parametrize("changed", [5, 21, 45, len(RESPONSE) - 1])
def test_a_changed_response_is_malformed(changed: int) -> None:
    data = bytearray(RESPONSE)
    data[changed] ^= 1
    with pytest.raises(MalformedPacket):
        is_authentic_answer(bytes(data), PASSWORD)


def test_a_response_without_integrity_is_malformed() -> None:
    bare = RESPONSE[:2] + struct.pack("!H", 28) + RESPONSE[4:48]
    with pytest.raises(MalformedPacket, match="without"):
        is_authentic_answer(bare, PASSWORD)
