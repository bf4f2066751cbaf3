"""The dependency descriptor: what every frame needs and is needed for, in a header extension (AV1 RTP payload format, appendix A).

It tells the layers of any codec, of encrypted payloads too. A keyframe brings a structure: templates, and for each what a frame made
from it is to every decode target (a spatial layer up to a temporal one). All other frames name their template.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfu.rtp import wire
from sfu.rtp.buffer import Buffer
from sfu.rtp.frame import NO_NUMBER, Frame

# What a frame is to a decode target (A.4).
NOT_PRESENT = 0
DISCARDABLE = 1
SWITCH = 2
REQUIRED = 3

MANDATORY = 3
"""Bytes of a descriptor that says no more than its template and number."""
MAX_TEMPLATES = 64
"""Template ids have six bits."""
USUAL_TEMPLATES = 32
"""Of one structure at most, and …"""
USUAL_TARGETS = 16
"""… decode targets: twice what three spatial by three temporal layers take. What a structure costs to read grows with both."""
MAX_SIZE = 255
"""Bytes of an element of a header extension (RFC 8285 4.3)."""
_STRUCTURE = 0x80
_ACTIVE = 0x40
_DTIS = 0x20
_FDIFFS = 0x10
_CHAINS = 0x08


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """What a keyframe said of the frames from it on."""

    first_id: int
    """The id of the first template; the others count on from it, modulo 64."""
    spatial: tuple[int, ...]
    """By template, as are the next three."""
    temporal: tuple[int, ...]
    dtis: tuple[bytes, ...]
    """A byte for each decode target."""
    leads: tuple[bool, ...]
    """Whether frames of the template are predicted from none."""
    chains: int
    target_spatial: tuple[int, ...]
    """By decode target, the highest layer in it; so is the next."""
    target_temporal: tuple[int, ...]
    covers: tuple[int, ...]
    """By decode target, a bit for each that has no frame which this one has not."""
    sizes: tuple[tuple[int, int], ...]
    """(width, height) by spatial layer; empty where it does not tell."""
    bits: int
    """Its length in a descriptor."""

    @property
    def targets(self) -> int:
        """How many decode targets there are."""
        return len(self.target_spatial)

    def target(self, spatial: int, temporal: int) -> int:
        """The best decode target up to these layers; else the least one."""
        best, least = -1, 0
        for index in range(len(self.target_spatial)):
            key = (self.target_spatial[index], self.target_temporal[index])
            if key < (self.target_spatial[least], self.target_temporal[least]):
                least = index
            if key[0] > spatial or key[1] > temporal:
                continue
            if best < 0 or key > (self.target_spatial[best], self.target_temporal[best]):
                best = index
        return best if best >= 0 else least


class Structures:
    """The structures of one source. Template ids of two that follow each other differ, so a late packet finds its own."""

    __slots__ = ("_active", "_templates", "newest")

    def __init__(self) -> None:
        self.newest: Structure | None = None
        self._active = 0
        self._templates: list[tuple[Structure, int] | None] = [None] * MAX_TEMPLATES

    def read(self, view: Buffer, offset: int, length: int, frame: Frame, newest: bool = True) -> bool:
        """Read the descriptor of `length` bytes at `offset` into `frame`: all but what a payload tells of its picture. Never raises.

        Without `newest`, as for a late packet, what it says of the structure and of active targets is not taken over.
        False: not a descriptor, or of a structure that has not come. Then `frame` has no more of it than the number.
        """
        frame.number = NO_NUMBER
        # One frame serves all packets: nothing of the packet before may stay.
        frame.structure = None
        frame.active = frame.serves = 0
        frame.dtis = b""
        frame.attached = False
        if length < MANDATORY:
            return False
        first = view[offset]
        frame.number = view[offset + 1] << 8 | view[offset + 2]
        dtis = b""
        leads = False
        active = 0
        attached: Structure | None = None
        if length > MANDATORY:
            bits = _Bits(wire.read_bytes(view, offset, length))
            bits.take(24)
            flags = bits.take(5) << 3
            if flags & _STRUCTURE:
                attached = _structure(bits)
                if attached is None:
                    return False
            structure, index = self._template(first & 0x3F, attached)
            if structure is None:
                return False
            everything = (1 << structure.targets) - 1
            active = bits.take(structure.targets) if flags & _ACTIVE else everything if attached is not None else 0
            if flags & _DTIS:
                dtis = bytes(bits.take(2) for _ in range(structure.targets))
            leads = structure.leads[index] if not flags & _FDIFFS else bits.peek(2) == 0
            if bits.failed:
                return False
            if newest and attached is not None:
                self._take(attached)
            if newest and active:
                self._active = active
        else:
            structure, index = self._template(first & 0x3F, None)
            if structure is None:
                return False
        frame.start = first & 0x80 != 0
        frame.end = first & 0x40 != 0
        frame.spatial = structure.spatial[index]
        frame.temporal = structure.temporal[index]
        frame.dtis = dtis or structure.dtis[index]
        frame.structure = structure
        frame.attached = attached is not None
        frame.active = active
        frame.serves = self._active
        frame.sync = frame.up = False
        frame.keyframe = attached is not None and frame.start and leads and frame.spatial == 0
        if attached is not None:
            frame.sizes = attached.sizes
        return True

    def _template(self, identifier: int, attached: Structure | None) -> tuple[Structure | None, int]:
        if attached is not None:
            index = (identifier - attached.first_id) & (MAX_TEMPLATES - 1)
            return (attached, index) if index < len(attached.spatial) else (None, 0)
        known = self._templates[identifier]
        return known if known is not None else (None, 0)

    def _take(self, structure: Structure) -> None:
        self.newest = structure
        for index in range(len(structure.spatial)):
            self._templates[(structure.first_id + index) & (MAX_TEMPLATES - 1)] = (structure, index)


def renumbered(descriptor: bytes, number: int) -> bytes:
    """The descriptor with another frame number. References are relative to it, so they stay right."""
    return descriptor[:1] + bytes((number >> 8 & 0xFF, number & 0xFF)) + descriptor[3:]


def with_active(descriptor: bytes, structure: Structure, active: int) -> bytes:
    """The descriptor, which is a good one of `structure`, saying that of the decode targets those in the mask `active` are served.

    A descriptor that would become longer than `MAX_SIZE` stays as it is: a receiver can do without.
    """
    count = structure.targets
    bits = _Bits(descriptor)
    value = bits.take(24) << 5 | _ACTIVE >> 3
    size = 29
    if len(descriptor) > MANDATORY:
        flags = bits.take(5)
        value |= flags
        begun = bits.position
        structured = structure.bits if flags << 3 & _STRUCTURE else 0
        bits.position += structured
        value = value << structured | bits.slice(begun, structured)
        if flags << 3 & _ACTIVE:
            bits.take(count)
        value = value << count | active
        value = value << bits.left | bits.slice(bits.position, bits.left)
        size += structured + count + bits.left
    else:
        value = value << count | active
        size += count
    # What was padding before may fill a whole byte now, which is right too.
    padding = -size % 8
    if size + padding > 8 * MAX_SIZE:
        return descriptor
    return (value << padding).to_bytes((size + padding) // 8, "big")


class _Bits:
    """Bits of a descriptor, from the first. Beyond the end they are 0, and `failed`."""

    __slots__ = ("_end", "_value", "failed", "position")

    def __init__(self, descriptor: bytes) -> None:
        self._value = int.from_bytes(descriptor, "big")
        self._end = len(descriptor) * 8
        self.position = 0
        self.failed = False

    def take(self, count: int) -> int:
        value = self.peek(count)
        self.position += count
        return value

    def peek(self, count: int) -> int:
        if self.position + count > self._end:
            self.failed = True
            return 0
        return self.slice(self.position, count)

    def slice(self, position: int, count: int) -> int:
        return self._value >> (self._end - position - count) & ((1 << count) - 1)

    @property
    def left(self) -> int:
        return self._end - self.position

    def nonsymmetric(self, values: int) -> int:
        """A number below `values`, in as few bits as it takes (AV1 4.10.7)."""
        width = values.bit_length()
        short = (1 << width) - values
        value = self.take(width - 1)
        return value if value < short else (value << 1 | self.take(1)) - short


def _structure(bits: _Bits) -> Structure | None:
    """A template dependency structure (A.3). None: it is cut short, names layers that cannot be, or is larger than any in use."""
    begun = bits.position
    first_id = bits.take(6)
    targets = bits.take(5) + 1
    if targets > USUAL_TARGETS:
        return None
    spatial: list[int] = []
    temporal: list[int] = []
    layer = [0, 0]
    while True:
        spatial.append(layer[0])
        temporal.append(layer[1])
        step = bits.take(2)
        if step == 3:
            break
        if step == 1:
            layer[1] += 1
        elif step == 2:
            layer = [layer[0] + 1, 0]
        if bits.failed or len(spatial) >= USUAL_TEMPLATES or layer[0] > 3 or layer[1] > 7:
            return None
    count = len(spatial)
    dtis = tuple(bytes(bits.take(2) for _ in range(targets)) for _ in range(count))
    leads = []
    for _ in range(count):
        references = 0
        while bits.take(1):
            bits.take(4)
            references += 1
        leads.append(references == 0)
    chains = bits.nonsymmetric(targets + 1)
    if chains:
        for _ in range(targets):
            bits.nonsymmetric(chains)
        bits.take(4 * count * chains)
    sizes: tuple[tuple[int, int], ...] = ()
    if bits.take(1):
        sizes = tuple((bits.take(16) + 1, bits.take(16) + 1) for _ in range(spatial[-1] + 1))
    if bits.failed:
        return None
    present = [frozenset(index for index in range(count) if dtis[index][target]) for target in range(targets)]
    return Structure(
        first_id=first_id,
        spatial=tuple(spatial),
        temporal=tuple(temporal),
        dtis=dtis,
        leads=tuple(leads),
        chains=chains,
        target_spatial=tuple(max((spatial[index] for index in found), default=0) for found in present),
        target_temporal=tuple(max((temporal[index] for index in found), default=0) for found in present),
        covers=tuple(
            sum(1 << other for other in range(targets) if present[other] <= present[target])
            for target in range(targets)
        ),
        sizes=sizes,
        bits=bits.position - begun,
    )
