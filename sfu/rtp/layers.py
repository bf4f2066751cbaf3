"""Which layers of one source a receiver gets, and what its packets look like to a receiver who does not know of the others.

A receiver changes its layer where the frames allow it: to other spatial layers at a keyframe, or down at any picture; up to more
temporal layers where a frame says that it needs none of those that were left out; down at any frame. The numbers that payloads and
descriptors carry go on over every change: VP8's picture ids close up behind frames that are left out, as its receivers need them to;
those of VP9 and the frame numbers of dependency descriptors refer to each other, so they keep their distances within a source.

What became of a packet can be said again for every late or repeated one: a `Period` is where the layers were the same.
"""

from __future__ import annotations

from sfu.rtp.buffer import WritableBuffer
from sfu.rtp.dependency import SWITCH, Structure, renumbered, with_active
from sfu.rtp.frame import ALL, NO_NUMBER, Frame
from sfu.rtp.seqmap import REFUSED, SequenceMap
from sfu.rtp.vp8 import write_numbers

FORWARD = 0
"""The packet goes out."""
LEAVE_OUT = 1
"""It does not, and the numbers close up behind it."""
FILL = 2
"""It does not, but packets after it have gone out: its number is a gap, to be filled with an empty packet, or the receiver
would ask for it in vain."""

MAX_PERIODS = 16
"""Changes of layer that are remembered. Late packets are of the last second."""

_BEFORE_ALL = -(1 << 62)


class Period:
    """From which packet on the layers are these. Never changes."""

    __slots__ = ("begin", "number", "serves", "spatial", "structure", "target", "temporal")

    def __init__(
        self,
        begin: int,
        spatial: int,
        temporal: int,
        structure: Structure | None = None,
        target: int = -1,
        serves: int = 0,
        number: int = NO_NUMBER,
    ) -> None:
        self.begin = begin
        """Its extended sequence number, of the source."""
        self.spatial = spatial
        self.temporal = temporal
        self.structure = structure
        self.target = target
        """The decode target of `structure`, where dependency descriptors tell."""
        self.serves = serves
        """Of the structure's decode targets a bit for each that the receiver is told to be served …"""
        self.number = number
        """… with the frame of this number, the first one."""

    def has(self, frame: Frame) -> bool:
        """Whether the frame is of these layers."""
        if frame.dtis and self.structure is not None:
            return self.target < len(frame.dtis) and frame.dtis[self.target] != 0
        return frame.temporal <= self.temporal and frame.spatial <= self.spatial

    def is_last(self, frame: Frame) -> bool:
        """Whether the frame is the highest of its picture that goes out."""
        if self.structure is not None:
            return frame.spatial == self.structure.target_spatial[self.target]
        return frame.spatial == self.spatial


class Layers:
    """One receiver's selection. Made when there is first something to leave out, or to number anew; until then all of
    the source went out as it was, its newest frame with the numbers given here."""

    __slots__ = (
        "_extended",
        "_left_out",
        "_newest",
        "_number",
        "_number_in",
        "_number_shift",
        "_periods",
        "_picture",
        "_picture_in",
        "_picture_shift",
        "_pictures",
        "_tl0",
        "_tl0_shift",
        "fresh",
        "picture_id",
        "tl0",
        "wanted_spatial",
        "wanted_temporal",
    )

    def __init__(self, picture_id: int = NO_NUMBER, tl0: int = NO_NUMBER, number: int = NO_NUMBER) -> None:
        self.wanted_spatial = ALL
        """Up to which layer of its one source; a simulcast layer is another source."""
        self.wanted_temporal = ALL
        self.picture_id = NO_NUMBER
        """Of the packet that was taken last, as it is to go out; so is the next."""
        self.tl0 = NO_NUMBER
        self._newest = Period(_BEFORE_ALL, ALL, ALL)
        self._periods = [self._newest]
        self.fresh = picture_id < 0 and number < 0
        """Whether the next packet is the first of a source."""
        # What went out last; NO_NUMBER where nothing like it did.
        self._picture = picture_id
        self._tl0 = tl0
        self._number = number
        # What came in last, and how far the two are apart.
        self._picture_in = self._number_in = self._left_out = NO_NUMBER
        self._picture_shift = self._tl0_shift = self._number_shift = 0
        # VP8's ids unrolled, so that a map of sequence numbers serves for them too.
        self._pictures = self._numbering(max(picture_id, 0))
        self._pictures.map(max(picture_id, 0))

    @classmethod
    def before(cls, frame: Frame) -> Layers:
        """Of a source that went out as it was up to this frame, of which nothing has."""
        last = 0x7FFF if frame.wide else 0x7F
        return cls(
            frame.picture_id - 1 & last if frame.picture_id >= 0 else NO_NUMBER,
            frame.tl0 - (frame.temporal == 0) & 0xFF if frame.tl0 >= 0 else NO_NUMBER,
            frame.number - 1 & 0xFFFF if frame.number >= 0 else NO_NUMBER,
        )

    def switch(self) -> None:
        """The next packet is the first of another source, a keyframe's. Its numbers follow on those that went out."""
        self.fresh = True

    def take(self, frame: Frame, extended: int, newest: bool) -> int:
        """What becomes of a packet: `FORWARD`, `LEAVE_OUT` or `FILL`. Sets the numbers for `write`.

        `extended` is its sequence number, extended as the source's log does; `newest`, that it is ahead of all others of the source.
        """
        if not newest:
            return FORWARD if self._period(extended).has(frame) and self._number_late(frame) else FILL
        if self.fresh:
            self._begin(frame, extended)
        elif frame.start:
            self._change(frame, extended)
        if self._newest.has(frame) and self._number_newest(frame):
            return FORWARD
        if frame.closes and frame.picture_id >= 0 and frame.picture_id != self._left_out:
            self._left_out = frame.picture_id
            self._pictures.drop(self._unrolled(frame) & 0xFFFF)
        return LEAVE_OUT

    def ends(self, frame: Frame, extended: int, newest: bool) -> bool:
        """Whether a packet that goes out is the last one of its picture, because what follows is left out."""
        return frame.end and (self._newest if newest else self._period(extended)).is_last(frame)

    def lacks(self, highest: int) -> bool:
        """Whether it takes a keyframe to get the spatial layers that are wanted, of a source whose highest is this one."""
        period = self._newest
        structure = period.structure
        if structure is not None:
            wanted = structure.target(self.wanted_spatial, self.wanted_temporal)
            other = structure.target_spatial[wanted] != structure.target_spatial[period.target]
            return other and not structure.covers[period.target] >> wanted & 1
        return min(self.wanted_spatial, highest) > period.spatial

    def write(self, view: WritableBuffer, offset: int, frame: Frame) -> None:
        """Put the numbers of the packet that was taken last into its copy, the payload at `offset`."""
        if self.picture_id != frame.picture_id or self.tl0 != frame.tl0:
            write_numbers(view, offset, frame, self.picture_id, self.tl0)

    def descriptor(self, descriptor: bytes, frame: Frame, extended: int) -> bytes:
        """A packet's dependency descriptor as the receiver is to see it."""
        period = self._period(extended)
        structure = period.structure
        if structure is not None and structure is frame.structure:
            if frame.active:
                serves = structure.covers[period.target] & frame.active
                if serves != frame.active and serves:
                    descriptor = with_active(descriptor, structure, serves)
            elif frame.number == period.number:
                descriptor = with_active(descriptor, structure, period.serves)
        if self._number_shift:
            descriptor = renumbered(descriptor, frame.number + self._number_shift)
        return descriptor

    # Layers

    def _begin(self, frame: Frame, extended: int) -> None:
        """The first packet of another source."""
        self.fresh = False
        self._left_out = self._picture_in = self._number_in = NO_NUMBER
        if frame.picture_id >= 0:
            self._picture_shift = _follow(self._picture, frame.picture_id)
            self._pictures = self._numbering(frame.picture_id)
        self._tl0_shift = _follow(self._tl0, frame.tl0)
        self._number_shift = _follow(self._number, frame.number)
        self._periods.clear()
        self._open(self._wanted(frame, extended))

    def _numbering(self, picture_id: int) -> SequenceMap:
        """A map whose first number is `picture_id`, and is to follow on what went out."""
        self._extended = picture_id
        return SequenceMap((picture_id + self._picture_shift - 1) & 0xFFFF)

    def _wanted(self, frame: Frame, extended: int) -> Period:
        return self._up_to(self.wanted_spatial, frame, extended)

    def _up_to(self, spatial: int, frame: Frame, extended: int) -> Period:
        """The layers that are wanted, up to this spatial one."""
        structure = frame.structure if frame.dtis else None
        if structure is None:
            return Period(extended, spatial, self.wanted_temporal)
        target = structure.target(spatial, self.wanted_temporal)
        serves = structure.covers[target] & frame.serves or structure.covers[target]
        return Period(extended, spatial, self.wanted_temporal, structure, target, serves, frame.number)

    def _open(self, period: Period) -> None:
        self._newest = period
        self._periods.append(period)
        if len(self._periods) > MAX_PERIODS:
            del self._periods[0]

    def _period(self, extended: int) -> Period:
        """The one that a packet falls into; of one before all that are remembered, the oldest."""
        for period in reversed(self._periods):
            if extended >= period.begin:
                return period
        return self._periods[0]

    def _change(self, frame: Frame, extended: int) -> None:
        """A frame begins: go over to the layers that are wanted as far as it allows."""
        period = self._newest
        if frame.dtis and frame.structure is not None:
            self._change_target(frame, frame.structure, extended)
            return
        spatial, temporal = period.spatial, period.temporal
        if spatial == self.wanted_spatial and temporal == self.wanted_temporal and period.structure is None:
            return
        if frame.keyframe:
            spatial, temporal = self.wanted_spatial, self.wanted_temporal
        elif frame.spatial == 0:
            spatial = min(spatial, self.wanted_spatial)
            if temporal > self.wanted_temporal:
                temporal = self.wanted_temporal
            elif temporal < self.wanted_temporal and frame.sync and frame.temporal == temporal + 1:
                temporal += 1
            elif temporal < self.wanted_temporal and frame.up and frame.temporal <= temporal:
                temporal = self.wanted_temporal
        if spatial != period.spatial or temporal != period.temporal or period.structure is not None:
            self._open(Period(extended, spatial, temporal))

    def _change_target(self, frame: Frame, structure: Structure, extended: int) -> None:
        period = self._newest
        if (
            structure is period.structure
            and period.spatial == self.wanted_spatial
            and period.temporal == self.wanted_temporal
        ):
            return
        if structure is not period.structure:
            # So far everything went out, or what the payloads told, or another structure's.
            if period.structure is not None or frame.keyframe or frame.spatial == 0:
                self._open(self._wanted(frame, extended))
            return
        target = structure.target(self.wanted_spatial, self.wanted_temporal)
        if frame.keyframe or self._leads_to(target, frame, structure):
            self._open(self._wanted(frame, extended))
            return
        # A higher resolution waits for a keyframe. Meanwhile the lower one goes on, with as many frames as are wanted.
        spatial = min(self.wanted_spatial, structure.target_spatial[period.target])
        target = structure.target(spatial, self.wanted_temporal)
        if target != period.target and self._leads_to(target, frame, structure):
            self._open(self._up_to(spatial, frame, extended))

    def _leads_to(self, target: int, frame: Frame, structure: Structure) -> bool:
        """Whether a receiver of what went out until now can go over to this decode target with the frame."""
        period = self._newest
        fewer = structure.covers[period.target] >> target & 1 and frame.spatial == 0
        # A frame to switch with serves who can decode it, so it must be one of those that went out until now.
        return bool(fewer) or (frame.dtis[target] == SWITCH and period.has(frame))

    # Numbers

    def _number_newest(self, frame: Frame) -> bool:
        """Set what the packet's numbers become; False where its picture was left out before."""
        if frame.number >= 0 and frame.number != self._number_in:
            self._number_in = frame.number
            self._number = (frame.number + self._number_shift) & 0xFFFF
        picture_id = frame.picture_id
        if picture_id == self._picture_in and picture_id >= 0:
            return True
        if picture_id < 0:
            self.picture_id = self.tl0 = self._picture_in = NO_NUMBER
            return True
        out = picture_id + self._picture_shift
        if frame.closes:
            out = self._pictures.map(self._unrolled(frame) & 0xFFFF)
            if out == REFUSED:
                return False
        self._picture_in = picture_id
        self._put(frame, out)
        self._picture = self.picture_id
        self._tl0 = self.tl0
        return True

    def _number_late(self, frame: Frame) -> bool:
        """The same of a packet that is late, or sent again. What follows is not numbered by it."""
        self._picture_in = NO_NUMBER  # so that the newest frame's next packet sets its numbers again
        if frame.picture_id < 0:
            self.picture_id = self.tl0 = NO_NUMBER
            return True
        out = frame.picture_id + self._picture_shift
        if frame.closes:
            extended = self._nearest(frame)
            out = self._pictures.map(extended & 0xFFFF) if extended <= self._extended else REFUSED
            if out == REFUSED:
                return False
        self._put(frame, out)
        return True

    def _put(self, frame: Frame, picture_id: int) -> None:
        self.picture_id = picture_id & (0x7FFF if frame.wide else 0x7F)
        self.tl0 = (frame.tl0 + self._tl0_shift) & 0xFF if frame.tl0 >= 0 else NO_NUMBER

    def _unrolled(self, frame: Frame) -> int:
        """Its picture id as a number that goes on rising."""
        extended = self._nearest(frame)
        self._extended = max(self._extended, extended)
        return extended

    def _nearest(self, frame: Frame) -> int:
        mask = 0x7FFF if frame.wide else 0x7F
        half = mask + 1 >> 1
        return self._extended - half + ((frame.picture_id - self._extended + half) & mask)


def _follow(last: int, first: int) -> int:
    """How much to add to the numbers of a source whose first is `first`, so that they follow on `last`."""
    return last + 1 - first if last >= 0 and first >= 0 else 0
