"""One connection on loopback, with a reader that reads when the test says so."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest

from sfu.errors import MalformedPacket
from sfu.transport.address import connection_source
from sfu.transport.framing import PREFIX
from sfu.transport.tcp_connection import MAX_FRAME, MAX_WAITING, READ, TcpConnection, receive_slab

SLAB = receive_slab()


@pytest.fixture
def pair() -> Iterator[tuple[TcpConnection, socket.socket]]:
    """A connection of ours, and the client's end of it, which holds little unread."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(5.0)
        reader.connect(listener.getsockname())
        ours, address = listener.accept()
    ours.setblocking(False)
    connection = TcpConnection(ours, connection_source(address, 1))
    yield connection, reader
    connection.abort()
    reader.close()


Pair = tuple[TcpConnection, socket.socket]


def readable(connection: TcpConnection) -> None:
    assert select.select([connection], [], [], 5.0)[0]


def received(connection: TcpConnection) -> list[bytes] | None:
    readable(connection)
    found = connection.receive(SLAB)
    if found is None:
        return None
    assert {source for _, _, source in found} <= {connection.source}
    return [bytes(SLAB.view[offset : offset + length]) for offset, length, _ in found]


def wire(*datagrams: bytes) -> bytes:
    return b"".join(len(datagram).to_bytes(PREFIX, "big") + datagram for datagram in datagrams)


def read_frames(reader: socket.socket, connection: TcpConnection, count: int) -> list[bytes]:
    """The next `count` frames, while the connection sends what waits. Nothing may follow them."""
    data, frames = b"", list[bytes]()
    while len(frames) < count:
        connection.send_waiting()
        data += reader.recv(65_536)
        while len(data) >= PREFIX and len(data) >= PREFIX + (length := int.from_bytes(data[:PREFIX], "big")):
            frames.append(data[PREFIX : PREFIX + length])
            data = data[PREFIX + length :]
    assert data == b""
    assert connection.waiting == 0
    return frames


def read_to_the_end(reader: socket.socket) -> None:
    while reader.recv(65_536):
        pass


def test_datagrams_arrive_however_the_stream_is_cut(pair: Pair) -> None:
    connection, reader = pair
    stream = wire(b"one", b"two" * 400, b"", b"three")
    got: list[bytes] = []
    for at in range(0, len(stream), 7):
        reader.sendall(stream[at : at + 7])
        got += received(connection) or []
    assert got == [b"one", b"two" * 400, b"", b"three"]


def test_one_turn_reads_no_more_than_its_share(pair: Pair) -> None:
    connection, reader = pair
    datagram = bytes(1000)
    for _ in range(40):
        reader.sendall(wire(datagram))
    turns: list[int] = []
    while sum(turns) < 40:
        got = received(connection)
        assert got is not None
        turns.append(len(got))
    assert max(turns) <= (READ + MAX_FRAME) // 1002


def test_a_frame_that_is_too_long_is_malformed(pair: Pair) -> None:
    connection, reader = pair
    reader.sendall((MAX_FRAME + 1).to_bytes(2, "big"))
    readable(connection)
    with pytest.raises(MalformedPacket):
        connection.receive(SLAB)


def test_a_request_for_a_web_page_is_malformed(pair: Pair) -> None:
    connection, reader = pair
    reader.sendall(b"GET / HTTP/1.1\r\n\r\n")
    readable(connection)
    with pytest.raises(MalformedPacket):
        connection.receive(SLAB)


def test_a_client_that_has_gone_is_noticed(pair: Pair) -> None:
    connection, reader = pair
    assert connection.receive(SLAB) == []
    reader.close()
    assert received(connection) is None


def test_a_client_that_has_reset_the_connection_is_noticed(pair: Pair) -> None:
    connection, reader = pair
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    reader.close()
    assert received(connection) is None
    assert connection.send(memoryview(b"xxyyz"), 2, patient=True) == 3
    assert connection.waiting == 0


@pytest.mark.parametrize("patient", [True, False])
def test_a_run_arrives_as_its_datagrams(pair: Pair, patient: bool) -> None:
    connection, reader = pair
    assert connection.send(memoryview(b"aabbc"), 2, patient=patient) == 0
    assert read_frames(reader, connection, 3) == [b"aa", b"bb", b"c"]


def fill(connection: TcpConnection) -> int:
    """Send video until none of it gets through; how much did."""
    run, sent, misses = memoryview(bytes(1200) * 10), 0, 0
    while misses < 3:
        refused = connection.send(run, 1200, patient=False)
        sent += 10 - refused
        misses = misses + 1 if refused == 10 else 0
        assert connection.waiting <= PREFIX + 1200, "of video no more waits than the rest of one packet"
    return sent


def test_to_a_slow_reader_video_is_lost_first_and_sound_waits_within_its_bounds(pair: Pair) -> None:
    connection, reader = pair
    video = fill(connection)
    begun = connection.waiting
    sound = [bytes([index]) * 150 for index in range(200)]
    kept = [each for each in sound if connection.send(memoryview(each), 150, patient=True) == 0]
    assert kept == sound[: len(kept)]
    assert (MAX_WAITING - begun) // 152 - 1 <= len(kept) < len(sound)
    assert connection.waiting <= MAX_WAITING
    assert connection.send(memoryview(bytes(900)), 900, patient=False) == 1
    assert read_frames(reader, connection, video + len(kept)) == [bytes(1200)] * video + kept


def test_when_the_reader_has_caught_up_video_flows_again(pair: Pair) -> None:
    connection, reader = pair
    read_frames(reader, connection, fill(connection))
    assert connection.send(memoryview(b"picture"), 7, patient=False) == 0
    assert read_frames(reader, connection, 1) == [b"picture"]


def test_the_kernel_holds_little_for_a_slow_reader(pair: Pair) -> None:
    """Else a client on a slow network would see what was seconds ago."""
    connection, _ = pair
    assert fill(connection) * 1202 < 400_000


def test_what_is_aborted_says_nothing_more(pair: Pair) -> None:
    connection, reader = pair
    fill(connection)
    connection.abort()
    assert connection.waiting == 0
    with pytest.raises(ConnectionResetError):
        read_to_the_end(reader)
