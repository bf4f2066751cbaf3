"""`python -m bench.packet`: what one packet costs in the plane, in this process, without sockets.

A source of 1,100-byte VP8 packets, encrypted beforehand, with N receivers; the sender of datagrams is a fake that does nothing.
So what is measured, in CPU time, is Python and libsrtp and not the kernel. Then the parts of the way by themselves.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from time import process_time

from pylibsrtp import Policy, Session
from rich.console import Console
from rich.table import Table

from sfu.clock import monotonic
from sfu.rtp.bandwidth.sent import SentPackets
from sfu.rtp.extensions import URI_MID, URI_TRANSPORT_CC, Elements, Writer
from sfu.rtp.history import History
from sfu.rtp.packet import Header, build, parse, write_fixed
from sfu.rtp.receive_log import ReceiveLog
from sfu.rtp.seqmap import SequenceMap, TimestampMap
from sfu.transport.counters import Counters, Kind
from sfu.transport.drops import Drops
from sfu.transport.outbox import MAX_DATAGRAM, Outbox, Outboxes
from sfu.transport.parameters import Codec, Section
from sfu.transport.plane import Plane
from sfu.transport.ports import Run, SrtpKeys
from sfu.transport.slab import Slab
from sfu.transport.srtp import SrtpSession

PROFILE = "SRTP_AEAD_AES_128_GCM"
KEY_BYTES = 28
SLOT = 2_048  # bytes of the receive slab for a datagram
BURSTS = (1, 5)  # packets a wake-up: paced ones, and a frame at once
PAYLOAD = 1_100  # bytes; what browsers make of a VP8 frame at 1.5 Mbit/s
SSRC = 0x1234
VP8 = Codec(96, "VP8", 90_000, rtx_payload_type=97, nack=True, pli=True, remb=True)
KEYFRAME = b"\x10\x00" + bytes(PAYLOAD - 2)
EXTENSIONS = ((4, URI_MID), (5, URI_TRANSPORT_CC))


class NoSocket:
    """Takes everything at no cost."""

    def __init__(self) -> None:
        self.calls = 0

    def send_runs(self, runs: Sequence[Run]) -> int:
        self.calls += 1
        return 0


def section(mid: str, *, sends: bool) -> Section:
    return Section(mid, "video", sends, not sends, (VP8,), EXTENSIONS, (SSRC,) if sends else (), stream="c")


def encrypted(key: bytes, count: int) -> list[bytes]:
    session = Session(Policy(key, Policy.SSRC_ANY_OUTBOUND, 0, Policy.SRTP_PROFILE_AEAD_AES_128_GCM))
    return [
        session.protect(build(96, number & 0xFFFF, 3000 * (number // 5), SSRC, KEYFRAME, marker=number % 5 == 4))
        for number in range(count)
    ]


def forward(receivers: int, burst: int, packets_out: int) -> dict[str, float]:
    """Microseconds of the whole way, a packet out: one source, `receivers`, and `burst` packets a wake-up."""
    sender = NoSocket()
    plane = Plane(sender, monotonic, rng=random.Random(1))
    slab = Slab(burst * SLOT)
    key = bytes(range(KEY_BYTES))
    open_peer(plane, 1, key, section("0", sends=True))
    for number in range(2, receivers + 2):
        open_peer(
            plane, number, bytes((number + index) & 0xFF for index in range(KEY_BYTES)), section("1", sends=False)
        )
        plane.add_route(1, "0", number, "1")
    wake_ups = max(packets_out // (receivers * burst), 20)
    datagrams = encrypted(key, wake_ups * burst)
    length = len(datagrams[0])
    spent = 0.0
    for wake_up in range(wake_ups):
        for index in range(burst):
            slab.view[index * SLOT : index * SLOT + length] = datagrams[wake_up * burst + index]
        now = monotonic()
        started = process_time()
        for index in range(burst):
            plane.receive(1, slab, index * SLOT, length, now)
        plane.flush(now)
        spent += process_time() - started
    packets_in = wake_ups * burst
    assert plane.counters.packets_out[Kind.VIDEO] == packets_in * receivers, "every packet is forwarded"
    return {
        "receivers": receivers,
        "packets_per_wake_up": burst,
        "us_per_packet_out": round(spent / (packets_in * receivers) * 1e6, 2),
        "us_per_packet_in": round(spent / packets_in * 1e6, 2),
    }


def open_peer(plane: Plane, number: int, key: bytes, *sections: Section) -> None:
    plane.open_peer(number)
    plane.set_sections(number, sections)
    plane.set_keys(number, SrtpKeys(PROFILE, receive=key, send=key))
    plane.set_destination(number, object())


def timed(call: Callable[[int], object], times: int) -> float:
    """Microseconds a call, the empty loop's not taken off (0.05)."""
    started = process_time()
    for index in range(times):
        call(index)
    return round((process_time() - started) / times * 1e6, 2)


def parts(times: int) -> dict[str, float]:
    """Microseconds of each step of the way, by itself and warm. A source's steps are paid once, a receiver's for each."""
    key = bytes(range(KEY_BYTES))
    slab = Slab(4096)
    inbound = SrtpSession(PROFILE, key, inbound=True)
    outbound = SrtpSession(PROFILE, key, inbound=False)
    datagrams = encrypted(key, times)
    packet = build(96, 1, 3000, SSRC, KEYFRAME)
    header, elements = Header(), Elements()
    log, history = ReceiveLog(SSRC, 90_000), History.for_video()
    sequences, timestamps = SequenceMap(5), TimestampMap(90_000, 5)
    writer = Writer(EXTENSIONS, "1")
    sent = SentPackets()
    counters = Counters(Drops())
    outbox = Outbox(Outboxes(NoSocket(), counters))
    outbox.destination, outbox.admitted = object(), True
    view = slab.view

    def copy_in(index: int) -> None:
        view[: len(datagrams[index])] = datagrams[index]

    def unprotect(index: int) -> None:
        copy_in(index)
        assert inbound.unprotect(slab.address, len(datagrams[index])) == len(packet)

    def protect(index: int) -> None:
        write_fixed(view, 2048, False, 0, 96, index & 0xFFFF, 0, SSRC)
        assert outbound.protect(slab.address + 2048, len(packet), MAX_DATAGRAM) > 0

    def post(index: int) -> None:
        outbox.reserve()
        outbox.commit(len(packet))

    found = {
        "source: unprotect": timed(unprotect, times) - timed(copy_in, times),
        "source: header": timed(lambda _: parse(packet, 0, len(packet), header), times),
        "source: log": timed(lambda index: log.received(index & 0xFFFF, index // 5 * 3000, index / 500), times),
        "source: history": timed(lambda index: history.store(index & 0xFFFF, view, 0, 1112, index / 500), times),
        "receiver: sequence, timestamp": timed(
            lambda index: (sequences.map(index & 0xFFFF), timestamps.map(index // 5 * 3000, index / 500)), times
        ),
        "receiver: extensions": timed(lambda _: writer.write(packet, elements, view, 1024), times),
        "receiver: number": timed(lambda index: writer.write_number(view, 1024, sent.note(1112, index / 500)), times),
        "receiver: header": timed(lambda index: write_fixed(view, 2048, True, 0, 96, index & 0xFFFF, 0, 1), times),
        "receiver: payload": timed(lambda _: view.__setitem__(slice(2068, 3168), view[12:1112]), times),
        "receiver: protect": timed(protect, times),
        "receiver: outbox": timed(post, times),
    }
    return {name: round(value, 2) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.packet", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--receivers", default="1,4,16", help="how many of each source (1,4,16)")
    parser.add_argument("--packets", type=int, default=20_000, help="packets out of each row, about (20000)")
    parser.add_argument("--json", action="store_true", help="a list of rows on standard output")
    options = parser.parse_args()
    counts = [int(count) for count in options.receivers.split(",")]
    rows = [forward(count, burst, options.packets) for count in counts for burst in BURSTS]
    steps = parts(min(options.packets, 20_000))
    if options.json:
        print(json.dumps({"forward": rows, "parts_us": steps}))
        return
    console = Console()
    table = Table("receivers", "packets a wake-up", "µs a packet out", "µs a packet in")
    for row in rows:
        table.add_row(*(f"{value:g}" for value in row.values()))
    console.print(table)
    table = Table("step", "µs")
    for name, value in steps.items():
        table.add_row(name, f"{value:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
