"""A stream that a client sends: a clip packetised, numbered, stamped and protected, one frame at a time."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from bench.arrivals import Numbers
from bench.clip import VP8_DESCRIPTOR, Clip, split, vp8_descriptor
from bench.rtcp import sender_report
from bench.sdp import LEVEL_EXTENSION, MID_EXTENSION, OPUS, RID_EXTENSION, VP8
from bench.srtp import RTP_TAG, Srtp
from bench.trailer import TRAILER, sealed
from sfu.transport.slab import Slab

PACKET = 1200  # bytes of a protected packet at most, as browsers keep to
VOICE = 0x80 | 30  # RFC 6464: speaking, at -30 dBov
STAGGER = 67  # frames of sound between one source's place in the clip and the next one's
RUN = 54  # packets at most in one UDP_SEGMENT call; the kernel takes 64, and 65,507 bytes

_HEADER = struct.Struct("!BBHII")
_EXTENSION = 12  # bytes of the extension block below
_NUMBER = struct.Struct("!BHx")
_MEDIA = PACKET - _HEADER.size - _EXTENSION - VP8_DESCRIPTOR - TRAILER - RTP_TAG  # bytes of a frame in a packet at most
SEND_SLAB = RUN * PACKET  # bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A packet's share of a frame, and its checksum, which is worth having once."""

    media: bytes
    crc: int


class Canned:
    """A clip cut into packets; many streams share one."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.frames = tuple(
            tuple(Piece(media, zlib.crc32(media)) for media in split(frame, _MEDIA)) for frame in clip.frames
        )
        assert max(map(len, self.frames)) <= RUN, "a frame goes out by one call"

    @property
    def packet_rate(self) -> float:
        """Packets per second."""
        return sum(map(len, self.frames)) / (len(self.frames) * self.clip.interval)


class Outgoing:
    """One RTP stream. `source` is the number that its trailers carry; `rid` names a simulcast layer."""

    def __init__(self, canned: Canned, source: int, ssrc: int, mid: str, cname: str, rid: str = "") -> None:
        self.clip = canned.clip
        self.rid = rid
        self.source = source
        self.ssrc = ssrc
        self.packets = 0
        """Sent so far; also the number of the next packet's trailer."""
        self.keyframes_asked = 0
        self._frames = canned.frames
        self._video = canned.clip.codec == "VP8"
        self._payload_type = VP8 if self._video else OPUS
        self._cname = cname
        self._numbers: Numbers | None = None
        self._number_head = 0
        # People do not speak all at the same time, and pictures begin with a keyframe.
        self._next = 0 if self._video else source * STAGGER % len(canned.frames)
        self._sequence = ssrc & 0x7FFF
        self._timestamp = ssrc * 7 & 0xFFFFFFFF
        self._picture = 0
        self._octets = 0
        levels = canned.clip.levels or (VOICE,) * len(canned.frames)
        body = b"\xbe\xde\x00\x01" + bytes((MID_EXTENSION << 4, ord(mid)))
        self._extensions = (
            [body + (bytes((RID_EXTENSION << 4, ord(rid))) if rid else bytes(2))] * len(canned.frames)
            if self._video
            else [body + bytes((LEVEL_EXTENSION << 4, level)) for level in levels]
        )

    def number(self, numbers: Numbers, identifier: int) -> None:
        """Have each packet bear a transport-wide number, in the header extension of this id."""
        self._numbers, self._number_head = numbers, identifier << 4 | 1
        self._extensions = [b"\xbe\xde\x00\x02" + body[4:] for body in self._extensions]

    def restart(self) -> None:
        """Begin the clip anew: its first frame is a keyframe."""
        self.keyframes_asked += 1
        self._next = 0

    def frame(self, srtp: Srtp, slab: Slab, stamp_ns: int) -> tuple[int, int]:
        """Write the next frame into `slab` (of `SEND_SLAB` bytes), protected, packets end to end.

        Gives (bytes in all, bytes a packet); the last packet may be shorter.
        """
        pieces = self._frames[self._next]
        end = segment = 0
        for number, piece in enumerate(pieces):
            length = self._packet(srtp, slab, end, piece, number == 0, number == len(pieces) - 1, stamp_ns)
            segment = segment or length
            end += length
        self._next = (self._next + 1) % len(self._frames)
        self._timestamp = self._timestamp + self.clip.ticks & 0xFFFFFFFF
        self._picture = self._picture + 1 & 0x7FFF
        return end, segment

    def report(self, stamp_ns: int) -> bytes:
        """A sender report for now."""
        return sender_report(self.ssrc, self._cname, stamp_ns, self._timestamp, self.packets, self._octets)

    def _packet(self, srtp: Srtp, slab: Slab, at: int, piece: Piece, first: bool, last: bool, stamp_ns: int) -> int:
        payload = sealed(piece.media, piece.crc, self.source, self.packets, stamp_ns)
        if self._video:
            payload = vp8_descriptor(self._picture, first) + payload
        # Opus marks the first packet after silence (RFC 7587 4.1); there is none here.
        marker = 0x80 if self._video and last else 0
        header = _HEADER.pack(0x90, marker | self._payload_type, self._sequence, self._timestamp, self.ssrc)
        extensions = self._extensions[self._next]
        if self._numbers is not None:
            extensions += _NUMBER.pack(self._number_head, self._numbers.take())
        packet = header + extensions + payload
        slab.view[at : at + len(packet)] = packet
        length = srtp.protect(slab.address + at, len(packet))
        if length is None:
            raise RuntimeError("libsrtp refused to protect a packet of our own")
        self._sequence = self._sequence + 1 & 0xFFFF
        self.packets += 1
        self._octets += len(payload)
        return length
