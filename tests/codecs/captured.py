"""Packets that a browser sent, in files: a line of JSON that says what was negotiated, then each packet, its length first.

They were written down in clear, with their header extensions, as they came (`capture`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sfu.transport.parameters import Codec, Section

FOLDER = Path(__file__).with_name("captured")


@dataclass(frozen=True, slots=True)
class Captured:
    codec: Codec
    extensions: tuple[tuple[int, str], ...]
    """(id, URI)."""
    packets: tuple[bytes, ...]
    """RTP in clear."""


def write(path: Path, section: Section, packets: Sequence[bytes]) -> None:
    """`section` is what they were sent on; of its codecs the one they are of is told."""
    codec = next(codec for codec in section.codecs if codec.payload_type == packets[0][1] & 0x7F)
    described = {
        "payload_type": codec.payload_type,
        "name": codec.name,
        "parameters": codec.parameters,
        "extensions": [list(extension) for extension in section.extensions],
    }
    data = json.dumps(described).encode() + b"\n"
    data += b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)
    path.write_bytes(data)


def read(name: str) -> Captured:
    """The file of this name, such as `vp9-l3t3`."""
    line, _, data = (FOLDER / f"{name}.rtp").read_bytes().partition(b"\n")
    described = json.loads(line)
    packets = []
    while data:
        length = int.from_bytes(data[:2], "big")
        packets.append(data[2 : 2 + length])
        data = data[2 + length :]
    codec = Codec(described["payload_type"], described["name"], 90_000, described["parameters"], None, True, True)
    extensions = tuple((identifier, uri) for identifier, uri in described["extensions"])
    return Captured(codec, extensions, tuple(packets))
