"""What the machine itself asks for a packet: libsrtp and the system calls, in a tight loop, in CPU time.

    in    `recvmmsg` of a frame, then unprotect, for each packet
    out   protect, for each packet; then one UDP_SEGMENT call for the frame

The frames are those of the scenarios: Opus 50 a second, VP8 30 a second at 1.5 Mbit/s. The packets go to sockets that nobody
waits on, so waking a receiver is not in it. What Python's call of a C function costs is measured in the same loops and
taken off. `python -m bench.limit` reads an order from stdin and writes a JSON line; it is a process of its own so that it
can be bound to the server's core, and can enter the server's network namespace.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from cffi import FFI
from pylibsrtp._binding import ffi as srtp_ffi

from bench.clip import AUDIO_CLOCK, AUDIO_FRAME, VIDEO_CLOCK, VIDEO_RATE, Clip
from bench.datagrams import SLOT, SLOTS, Batch, send_run
from bench.outgoing import PACKET, SEND_SLAB, Canned, Outgoing
from bench.srtp import RTP_TAG, Srtp
from sfu.transport.slab import Slab
from sfu.transport.srtp import PROFILES

RECEIVERS = 16  # of each frame; the cost of a packet out does not depend on it
SECONDS = 5  # of media that go through
AUDIO_BYTES = 80  # of a frame: 32 kbit/s
VIDEO_BYTES = 6_250  # of a frame: 1.5 Mbit/s
EMPTY_SPANS = 1_000
PATIENCE = 1_000  # looks at a socket for a packet that the kernel has on its way
PROFILE = "SRTP_AEAD_AES_128_GCM"

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_UDP_SEGMENT = 103  # linux/udp.h

_ffi = FFI()
_ffi.cdef(
    """
    struct iovec { void *iov_base; size_t iov_len; };
    struct msghdr {
        void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
        void *msg_control; size_t msg_controllen; int msg_flags;
    };
    ssize_t sendmsg(int fd, struct msghdr *message, int flags);
    int memcmp(void *a, void *b, size_t size);
    int setns(int fd, int kind);
    """
)
_libc = _ffi.dlopen(None)


class LimitFailed(Exception):
    """The loop could not run; the text says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """Where to measure."""

    profile: str = PROFILE
    """The SRTP profile as OpenSSL spells it."""
    server: str = "127.0.0.1"
    """The address of the server's side."""
    client: str = "127.0.0.1"
    namespace: str = ""
    """The network namespace of the server's side; empty where both are in our own."""
    core: int | None = None
    """What the loop is bound to; None leaves it free."""


@dataclass(frozen=True, slots=True)
class Limit:
    """CPU microseconds for each packet."""

    receive_us: float
    unprotect_us: float
    protect_us: float
    send_us: float

    def per_packet_out(self, packets_in: float, packets_out: float) -> float:
        """Of a server that takes `packets_in` and sends `packets_out`, for each one it sends."""
        arriving, leaving = self.receive_us + self.unprotect_us, self.protect_us + self.send_us
        return (arriving * packets_in + leaving * packets_out) / packets_out


def measure(order: Order) -> Limit:
    """Run the loop in a process of its own; takes about two seconds. Raises `LimitFailed`."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.limit"],
        input=json.dumps(asdict(order)) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise LimitFailed(f"the limit could not be measured: {done.stderr.strip()[-500:]}")
    return Limit(**json.loads(done.stdout))


def mean(limits: list[Limit]) -> Limit:
    """The mean of some, part by part: the machine's speed drifts, so it is measured before and after."""
    parts = [asdict(limit) for limit in limits]
    return Limit(**{name: sum(part[name] for part in parts) / len(parts) for name in parts[0]})


class Stopwatch:
    """CPU time of this thread over many short spans, less what an empty span seems to last."""

    def __init__(self) -> None:
        self.nanoseconds = 0
        self._started = 0
        self._cost = 0
        for _ in range(EMPTY_SPANS):
            with self:
                pass
        self._cost = self.nanoseconds // EMPTY_SPANS
        self.nanoseconds = 0

    def __enter__(self) -> None:
        self._started = time.thread_time_ns()

    def __exit__(self, *_: object) -> None:
        self.nanoseconds += time.thread_time_ns() - self._started - self._cost


class Loop:
    """One stream of each kind from a client's socket through a server's to `RECEIVERS` sockets."""

    def __init__(self, order: Order) -> None:
        self._source = _socket(order.client)
        self._sinks = [_socket(order.client) for _ in range(RECEIVERS)]
        if order.namespace:
            _enter(order.namespace)  # sockets stay where they were made
        self._door = _socket(order.server)
        self._source.connect(self._door.getsockname())
        keys = [os.urandom(PROFILES[order.profile].key_and_salt) for _ in range(RECEIVERS + 1)]
        self._sender = Srtp(order.profile, keys[0], keys[0])
        self._sessions = [Srtp(order.profile, key, key) for key in keys[1:]]
        self._streams = [
            Outgoing(_canned("OPUS", AUDIO_BYTES, AUDIO_CLOCK, AUDIO_FRAME), 0, 1001, "0", "c"),
            Outgoing(_canned("VP8", VIDEO_BYTES, VIDEO_CLOCK, VIDEO_CLOCK // VIDEO_RATE), 1, 2002, "1", "c"),
        ]
        self._slab = Slab(SEND_SLAB)
        self._runs = Slab(RECEIVERS * SEND_SLAB)
        self._batch = Batch()
        self._calls = _Calls(self._door, self._sinks, self._runs)
        self._packets = self._frames = 0
        self._receive, self._unprotect, self._protect, self._send = (Stopwatch() for _ in range(4))
        self._no_unprotect, self._no_protect, self._no_call = Stopwatch(), Stopwatch(), Stopwatch()

    def run(self) -> Limit:
        """Put `SECONDS` of media through."""
        audio, video = self._streams
        for number in range(SECONDS * 50):
            self._frame(audio)
            if number % 5 < 3:
                self._frame(video)
        packets_in, packets_out = self._packets, self._packets * RECEIVERS
        empty = self._no_protect.nanoseconds / packets_out  # of a call of libsrtp that does nothing
        no_send = self._no_call.nanoseconds / packets_out

        def microseconds(watch: Stopwatch, packets: int, calls: float) -> float:
            return round((watch.nanoseconds / packets - calls) / 1000, 4)

        return Limit(
            receive_us=microseconds(self._receive, packets_in, no_send),
            unprotect_us=microseconds(self._unprotect, packets_in, self._no_unprotect.nanoseconds / packets_in),
            protect_us=microseconds(self._protect, packets_out, empty),
            send_us=microseconds(self._send, packets_out, no_send),
        )

    def _frame(self, stream: Outgoing) -> None:
        end, segment = stream.frame(self._sender, self._slab, 0)
        send_run(self._source, self._slab.view[:end], segment)
        count = -(-end // segment)
        lengths = self._take(count)
        addresses = self._batch.addresses
        unprotect = self._sender.unprotect
        with self._no_unprotect:
            for slot in range(count):
                unprotect(addresses[slot], 0)
        with self._unprotect:
            plain = [unprotect(addresses[slot], length) for slot, length in enumerate(lengths)]
        sizes = [size for size in plain if size is not None]
        if len(sizes) != count:
            raise LimitFailed("libsrtp refused a packet of our own")
        self._copy(sizes, segment)
        self._protect_all(sizes, segment)
        self._calls.prepare(end, segment)
        with self._send:
            self._calls.send()
        with self._no_call:
            self._calls.nothing()
        self._drain()
        self._packets += count
        self._frames += 1

    def _take(self, count: int) -> list[int]:
        """The lengths of `count` packets. They are there as a rule, since the sender's own call has put them into the socket."""
        descriptor = self._door.fileno()
        receive = self._batch.receive_raw
        for _ in range(PATIENCE):
            with self._receive:
                taken = receive(descriptor)
            if taken == count:
                return self._batch.lengths(count)
            if taken > 0:
                break
        raise LimitFailed("a frame was lost on its way to this machine's own socket")

    def _copy(self, sizes: list[int], segment: int) -> None:
        view, runs = self._batch.view, self._runs.view
        for receiver in range(RECEIVERS):
            for slot, size in enumerate(sizes):
                at = receiver * SEND_SLAB + slot * segment
                runs[at : at + size] = view[slot * SLOT : slot * SLOT + size]

    def _protect_all(self, sizes: list[int], segment: int) -> None:
        base = self._runs.address
        work = [
            (session, base + receiver * SEND_SLAB + slot * segment, size)
            for receiver, session in enumerate(self._sessions)
            for slot, size in enumerate(sizes)
        ]
        with self._no_protect:
            for session, address, _ in work:
                session.protect(address, 0)
        with self._protect:
            for session, address, size in work:
                session.protect(address, size)

    def _drain(self) -> None:
        for sink in self._sinks:
            while self._batch.receive_raw(sink.fileno()) == SLOTS:
                pass


class _Calls:
    """`sendmsg` to every receiver with UDP_SEGMENT, from headers prepared once."""

    def __init__(self, door: socket.socket, sinks: list[socket.socket], runs: Slab) -> None:
        count = len(sinks)
        self._descriptor = door.fileno()
        self._names = _ffi.new("unsigned char[]", 16 * count)
        self._vectors = _ffi.new("struct iovec[]", count)
        self._control: Any = _ffi.new("unsigned char[]", 24)
        self._headers = _ffi.new("struct msghdr[]", count)
        base = int(srtp_ffi.cast("uintptr_t", runs.pointer))
        for index, sink in enumerate(sinks):
            host, port = sink.getsockname()
            name = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
            _ffi.memmove(self._names + 16 * index, name, 16)
            self._vectors[index].iov_base = _ffi.cast("void *", base + index * SEND_SLAB)
            header = self._headers[index]
            header.msg_name, header.msg_namelen = self._names + 16 * index, 16
            header.msg_iov, header.msg_iovlen = self._vectors + index, 1
        self._pointers = [self._headers + index for index in range(count)]

    def prepare(self, length: int, segment: int) -> None:
        """A run of `length` bytes for each receiver, in packets of `segment` bytes."""
        segmented = length > segment
        _ffi.memmove(self._control, struct.pack("@NiiH6x", 18, socket.IPPROTO_UDP, _UDP_SEGMENT, segment), 24)
        for index in range(len(self._pointers)):
            self._vectors[index].iov_len = length
            header = self._headers[index]
            header.msg_control = self._control if segmented else _ffi.NULL
            header.msg_controllen = 24 if segmented else 0

    def send(self) -> None:
        call, descriptor = _libc.sendmsg, self._descriptor
        for pointer in self._pointers:
            call(descriptor, pointer, 0)

    def nothing(self) -> None:
        """As many calls of a C function that does nothing."""
        call, same = _libc.memcmp, self._control
        for _ in self._pointers:
            call(same, same, 0)


def _canned(codec: str, size: int, clock: int, ticks: int) -> Canned:
    return Canned(Clip(codec, clock, ticks, (os.urandom(size),)))


def _socket(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((address, 0))
    return sock


def _enter(namespace: str) -> None:
    with open(f"/run/netns/{namespace}", "rb") as file:
        if _libc.setns(file.fileno(), _CLONE_NEWNET):
            raise LimitFailed(f"cannot enter the network namespace {namespace}: {os.strerror(_ffi.errno)}")


def main(pin: Callable[[int, set[int]], None] = os.sched_setaffinity) -> int:
    """Read the order, and carry it out."""
    order = Order(**json.loads(sys.stdin.readline()))
    if order.core is not None:
        pin(0, {order.core})
    try:
        limit = Loop(order).run()
    except (LimitFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(limit)))
    return 0


assert PACKET + RTP_TAG <= SLOT

if __name__ == "__main__":
    sys.exit(main())
