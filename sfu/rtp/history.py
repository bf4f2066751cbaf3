"""The last second of one source's packets, kept to answer NACKs.

Kept once an incoming source, as they came in and were decrypted, whatever the number of receivers: a receiver's NACK is mapped
back to the source's own sequence number (`SequenceMap.reverse`), and the packet is written anew as its retransmission.

Packets lie end to end in chunks. A chunk is used again when everything in it is older than `KEEP`; until then another is taken,
up to a limit. So memory follows the bit rate: 1.5 Mbit/s take 256 KiB, a muted camera 64 KiB, audio 16 KiB, where slots of
a full packet for a second of 5 Mbit/s would take 768 KiB for all of them.
"""

from __future__ import annotations

from array import array

from sfu.rtp.buffer import Buffer

KEEP = 1.0  # seconds; a receiver gives up waiting for a lost packet well before (threats: buffer ≥ 1 s)

VIDEO_PACKETS = 1024  # a second of 1,200-byte packets at 9.8 Mbit/s
VIDEO_CHUNK = 65_536  # bytes; a third of a second at 1.5 Mbit/s
VIDEO_CHUNKS = (
    16  # 1 MiB: a second at 7.7 Mbit/s. Above that the second is cut short, which is better than memory without end.
)
AUDIO_PACKETS = 128  # 2.5 s of 20 ms packets
AUDIO_CHUNK = 16_384  # bytes; 1.3 s of Opus at 96 kbit/s
AUDIO_CHUNKS = 2

_EMPTY = -1
_LENGTH_BITS = 20  # of a packet's place, for its length
_MAX_LENGTH = (1 << _LENGTH_BITS) - 1


class _Chunk:
    __slots__ = ("buffer", "full_at", "view")

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)
        self.full_at = 0.0


class History:
    """Packets of one source by sequence number. `packets` is a power of two: that many sequence numbers back can be asked for."""

    __slots__ = (
        "_chunk",
        "_chunk_size",
        "_chunks",
        "_first",
        "_mask",
        "_max_chunks",
        "_places",
        "_position",
        "_sequences",
        "_serial",
        "_view",
    )

    def __init__(self, packets: int, chunk_size: int, max_chunks: int) -> None:
        assert packets & (packets - 1) == 0, "a sequence number finds its slot by a mask"
        assert chunk_size < 1 << _LENGTH_BITS, "no packet is longer than its chunk"
        self._mask = packets - 1
        self._chunk_size = chunk_size
        self._max_chunks = max_chunks
        # By slot: which packet, and where: (serial of its chunk * chunk size + offset) << 20 | length.
        self._sequences = array("q", [_EMPTY]) * packets
        self._places = array("q", [0]) * packets
        # By serial, oldest first. A chunk that is used again gets a new serial, which ends every packet that was in it.
        self._chunk = _Chunk(chunk_size)
        self._chunks = {0: self._chunk}
        self._serial = 0
        # What every packet needs of the newest chunk: its bytes, where it begins in the numbering above, where it is free.
        self._view = self._chunk.view
        self._first = 0
        self._position = 0

    @classmethod
    def for_video(cls) -> History:
        return cls(VIDEO_PACKETS, VIDEO_CHUNK, VIDEO_CHUNKS)

    @classmethod
    def for_audio(cls) -> History:
        return cls(AUDIO_PACKETS, AUDIO_CHUNK, AUDIO_CHUNKS)

    def store(self, sequence: int, buffer: Buffer, offset: int, length: int, now: float) -> None:
        """Keep a copy of the `length` bytes at `offset`. Longer than a chunk: not kept."""
        size = self._chunk_size
        if length > size:
            return
        position = self._position
        end = position + length
        if end > size:
            self._next_chunk(now)
            position, end = 0, length
        self._view[position:end] = buffer[offset : offset + length]
        slot = sequence & self._mask
        self._sequences[slot] = sequence
        self._places[slot] = (self._first + position) << _LENGTH_BITS | length
        self._position = end

    def get(self, sequence: int) -> memoryview | None:
        """The packet, good until the next `store`; None where it is not kept (any more)."""
        slot = sequence & self._mask
        if self._sequences[slot] != sequence:
            return None
        place = self._places[slot]
        serial, offset = divmod(place >> _LENGTH_BITS, self._chunk_size)
        chunk = self._chunks.get(serial)
        return chunk.view[offset : offset + (place & _MAX_LENGTH)] if chunk is not None else None

    def clear(self) -> None:
        """Forget every packet: the source has started anew, its numbers mean other packets now."""
        for slot in range(self._mask + 1):
            self._sequences[slot] = _EMPTY

    @property
    def size(self) -> int:
        """Bytes of memory held for packets."""
        return len(self._chunks) * self._chunk_size

    def _next_chunk(self, now: float) -> None:
        self._chunk.full_at = now
        oldest = next(iter(self._chunks))
        chunk = self._chunks[oldest]
        old_enough = chunk is not self._chunk and now - chunk.full_at >= KEEP
        if old_enough or len(self._chunks) >= self._max_chunks:
            del self._chunks[oldest]
        else:
            chunk = _Chunk(self._chunk_size)
        self._serial += 1
        self._chunks[self._serial] = chunk
        self._chunk = chunk
        self._view = chunk.view
        self._first = self._serial * self._chunk_size
        self._position = 0
