"""Payload and dependency descriptors, written field by field as the specifications draw them. Nothing of the code under test is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

KEYFRAME = bytes.fromhex("10 02 00 9d 01 2a")
"""A VP8 frame header with P = 0 and the start code; a size follows."""
INTERFRAME = bytes.fromhex("11 02 00 00 00 00")


def vp8(
    picture_id: int,
    tl0: int,
    temporal: int,
    *,
    sync: bool = False,
    start: bool = True,
    keyframe: bool = False,
    width: int = 0,
    height: int = 0,
    body: bytes = b"",
) -> bytes:
    """RFC 7741 4.2: X; I, L, T, K; a picture id of 15 bits, TL0PICIDX, TID and Y and KEYIDX; and what follows."""
    head = bytes((0x90 if start else 0x80, 0xF0, 0x80 | picture_id >> 8, picture_id & 0xFF, tl0))
    head += bytes((temporal << 6 | (0x20 if sync else 0) | 5,))
    if not start:
        return head + body
    if keyframe:
        return head + KEYFRAME + width.to_bytes(2, "little") + height.to_bytes(2, "little") + body
    return head + INTERFRAME + body


def vp9(
    picture_id: int,
    tl0: int,
    spatial: int,
    temporal: int,
    *,
    start: bool = True,
    end: bool = True,
    predicted: bool = True,
    up: bool = False,
    between: bool = False,
    sizes: Sequence[tuple[int, int]] = (),
    body: bytes = b"\x82\x49",
) -> bytes:
    """RFC 9628 4.2, not flexible mode: I, P, L, B, E, V; a picture id of 15 bits; TID, U, SID, D; TL0PICIDX; SS with sizes."""
    first = 0x80 | 0x20 | (0x40 if predicted else 0) | (0x08 if start else 0) | (0x04 if end else 0)
    first |= 0x02 if sizes else 0
    layer = temporal << 5 | (0x10 if up else 0) | spatial << 1 | int(between)
    head = bytes((first, 0x80 | picture_id >> 8, picture_id & 0xFF, layer, tl0))
    if sizes:
        head += bytes((len(sizes) - 1 << 5 | 0x10,))
        head += b"".join(width.to_bytes(2, "big") + height.to_bytes(2, "big") for width, height in sizes)
    return head + body


@dataclass
class Template:
    """A frame dependency template. `dtis` is written as the specification writes it: `-DSR`."""

    spatial: int
    temporal: int
    dtis: str
    fdiffs: tuple[int, ...] = ()
    chains: tuple[int, ...] = ()


@dataclass
class Made:
    """A template dependency structure."""

    templates: Sequence[Template]
    first_id: int = 0
    protected_by: tuple[int, ...] = ()
    sizes: Sequence[tuple[int, int]] = ()
    targets: int = field(init=False)

    def __post_init__(self) -> None:
        self.targets = len(self.templates[0].dtis)


class Writer:
    """Bits, the first one first."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, count: int) -> None:
        self.text += f"{value:0{count}b}" if count else ""

    def nonsymmetric(self, value: int, values: int) -> None:
        width = values.bit_length()
        short = (1 << width) - values
        if value < short:
            self.put(value, width - 1)
        else:
            self.put(value + short, width)

    def done(self) -> bytes:
        text = self.text + "0" * (-len(self.text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def descriptor(
    template: int,
    number: int,
    *,
    start: bool = True,
    end: bool = True,
    structure: Made | None = None,
    active: int | None = None,
    targets: int = 0,
    dtis: str = "",
    fdiffs: Sequence[int] | None = None,
    chains: Sequence[int] = (),
) -> bytes:
    """AV1 RTP payload format, appendix A.3. `targets` is needed for `active` without a structure."""
    bits = Writer()
    bits.put(int(start), 1)
    bits.put(int(end), 1)
    bits.put(template, 6)
    bits.put(number, 16)
    if structure is None and active is None and not dtis and fdiffs is None and not chains:
        return bits.done()
    for flag in (structure is not None, active is not None, bool(dtis), fdiffs is not None, bool(chains)):
        bits.put(int(flag), 1)
    if structure is not None:
        _structure(bits, structure)
        targets = structure.targets
    if active is not None:
        bits.put(active, targets)
    for letter in dtis:
        bits.put("-DSR".index(letter), 2)
    if fdiffs is not None:
        for fdiff in fdiffs:
            size = 1 if fdiff <= 16 else 2 if fdiff <= 256 else 3
            bits.put(size, 2)
            bits.put(fdiff - 1, 4 * size)
        bits.put(0, 2)
    for chain in chains:
        bits.put(chain, 8)
    return bits.done()


def _structure(bits: Writer, made: Made) -> None:
    bits.put(made.first_id, 6)
    bits.put(made.targets - 1, 5)
    templates = made.templates
    for index, template in enumerate(templates):
        if index + 1 == len(templates):
            bits.put(3, 2)
            continue
        following = templates[index + 1]
        if following.spatial != template.spatial:
            bits.put(2, 2)
        else:
            bits.put(int(following.temporal != template.temporal), 2)
    for template in templates:
        for letter in template.dtis:
            bits.put("-DSR".index(letter), 2)
    for template in templates:
        for fdiff in template.fdiffs:
            bits.put(1, 1)
            bits.put(fdiff - 1, 4)
        bits.put(0, 1)
    chains = max(made.protected_by, default=-1) + 1
    bits.nonsymmetric(chains, made.targets + 1)
    if chains:
        for chain in made.protected_by:
            bits.nonsymmetric(chain, chains)
        for template in templates:
            for diff in template.chains:
                bits.put(diff, 4)
    bits.put(int(bool(made.sizes)), 1)
    for width, height in made.sizes:
        bits.put(width - 1, 16)
        bits.put(height - 1, 16)


L1T3 = Made(
    [
        Template(0, 0, "SSS", (), (0,)),
        Template(0, 0, "SSS", (4,), (4,)),
        Template(0, 1, "-DS", (2,), (2,)),
        Template(0, 2, "--D", (1,), (1,)),
        Template(0, 2, "--D", (1,), (3,)),
    ],
    protected_by=(0, 0, 0),
    sizes=[(640, 360)],
)
"""One spatial layer and three temporal ones. Targets: 7.5, 15, 30 frames a second."""

L2T2 = Made(
    [
        Template(0, 0, "SSSS", (), (0, 0)),
        Template(0, 0, "SSRR", (4,), (4, 3)),
        Template(0, 1, "-D-R", (2,), (2, 1)),
        Template(1, 0, "--SS", (1,), (1, 1)),
        Template(1, 0, "--SS", (4, 1), (1, 1)),
        Template(1, 1, "---D", (2, 1), (3, 2)),
    ],
    protected_by=(0, 0, 1, 1),
    sizes=[(320, 180), (640, 360)],
)
"""Two spatial layers of two temporal ones, each picture's upper frame predicted from the lower one too. Targets: S0T0, S0T1, S1T0, S1T1."""
