"""What goes over loopback, as the kernel saw it: AF_PACKET, UDP over IPv4 alone, with the kernel's time stamps."""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from dataclasses import dataclass

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
PACKET_OUTGOING = 4  # loopback shows each packet twice: going out, and coming in
SKF_AD_PKTTYPE = 0xFFFFF004
ETHERNET = 14  # bytes
BUFFER = 64 << 20  # bytes; a burst must not be lost, or its absence would prove nothing
HEADERS = 96  # bytes kept of each datagram


def udp_from(port: int) -> bytes:
    """A classic BPF program (linux/filter.h): outgoing UDP over IPv4 with this source port."""
    program = [
        (0x20, 0, 0, SKF_AD_PKTTYPE),  # ld   packet type
        (0x15, 0, 7, PACKET_OUTGOING),
        (0x28, 0, 0, 12),  # ldh  EtherType
        (0x15, 0, 5, 0x0800),
        (0x30, 0, 0, ETHERNET + 9),  # ldb  protocol
        (0x15, 0, 3, socket.IPPROTO_UDP),
        (0xB1, 0, 0, ETHERNET),  # ldx  length of the IP header
        (0x48, 0, 0, ETHERNET),  # ldh  source port
        (0x15, 1, 0, port),
        (0x06, 0, 0, 0),
        (0x06, 0, 0, HEADERS),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram. `at` is nanoseconds since 1970."""

    at: int
    source: int
    destination: int
    length: int


class Capture:
    """Captures what leaves one UDP port, between `start` and `stop`; needs root."""

    def __init__(self, port: int) -> None:
        self.datagrams: list[Datagram] = []
        # Protocol 0 takes nothing until the filter is in place and the socket is bound.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        program = udp_from(port)
        instructions = ctypes.create_string_buffer(program)
        described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(("lo", ETH_P_ALL))
        self._socket.settimeout(0.05)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[Datagram]:
        """All that was captured, oldest first. The kernel must not have dropped anything."""
        self._stopped.set()
        self._thread.join()
        packets, drops = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._socket.close()
        assert drops == 0, f"the capture lost {drops} of {packets}"
        return sorted(self.datagrams, key=lambda datagram: datagram.at)

    def _run(self) -> None:
        while True:
            try:
                frame, ancillary, _, _ = self._socket.recvmsg(HEADERS, 128)
            except TimeoutError:
                if self._stopped.is_set():
                    return
                continue
            udp = ETHERNET + 4 * (frame[ETHERNET] & 15)
            source, destination, length = struct.unpack_from("!HHH", frame, udp)
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            self.datagrams.append(Datagram(seconds * 10**9 + nanoseconds, source, destination, length))
