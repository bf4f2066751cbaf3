"""What goes over loopback, as the kernel saw it: AF_PACKET, UDP over IPv4 alone, with the kernel's time stamps."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
ETHERNET = 14  # bytes
BUFFER = 64 << 20  # bytes; a burst must not be lost, or its absence would prove nothing


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram. `at` is nanoseconds since 1970."""

    at: int
    source: int
    destination: int
    length: int


class Capture:
    """Captures between `start` and `stop`; needs root."""

    def __init__(self) -> None:
        self.datagrams: list[Datagram] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.bind(("lo", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.settimeout(0.05)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> list[Datagram]:
        """All that was captured, oldest first. The kernel must not have dropped anything."""
        self._stopped.set()
        self._thread.join()
        packets, drops = struct.unpack("II", self._socket.getsockopt(263, 6, 8))  # SOL_PACKET, PACKET_STATISTICS
        self._socket.close()
        assert drops == 0, f"the capture lost {drops} of {packets}"
        return sorted(self.datagrams, key=lambda datagram: datagram.at)

    def _run(self) -> None:
        while True:
            try:
                frame, ancillary, _, address = self._socket.recvmsg(65600, 128)
            except TimeoutError:
                if self._stopped.is_set():
                    return
                continue
            # Loopback shows each packet twice: going out, and coming in.
            if (
                address[2] != PACKET_OUTGOING
                or frame[12:14] != b"\x08\x00"
                or frame[ETHERNET + 9] != socket.IPPROTO_UDP
            ):
                continue
            udp = ETHERNET + 4 * (frame[ETHERNET] & 15)
            source, destination, length = struct.unpack_from("!HHH", frame, udp)
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            self.datagrams.append(Datagram(seconds * 10**9 + nanoseconds, source, destination, length))
