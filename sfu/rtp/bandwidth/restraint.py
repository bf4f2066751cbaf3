"""What of a picture goes out while more is sent than the way takes: all of it, its lower temporal layers, or nothing.

Decided where a frame begins, so that each is sent whole or not at all. Layers that nothing refers to go before everything does. All
pictures of a receiver fill the same way, and are asked in whatever order their frames come: so those that the room puts behind others
find it full sooner.
"""

from __future__ import annotations

from sfu.rtp.bandwidth.allowance import DRAINED, THINNED
from sfu.rtp.frame import ALL

AS_BEFORE = 0
"""Nothing has changed with this frame."""
CHANGED = 1
"""`left_out` or `thinned` has."""
RESUMED = 2
"""The picture may begin again; frames are missing, so it takes a keyframe."""
SOONER = (1.0, 1.7, 2.0, 2.4)
"""Times as full as it is, by a picture's precedence. Behind the first are those that give everything before it gives its first layer, where
what they leave out is enough (1 / 0.6 and more, by `THINNED`)."""


class Restraint:
    """One picture's on its way to one receiver."""

    __slots__ = ("_sooner", "held", "left_out", "thinned")

    def __init__(self) -> None:
        self.left_out = False
        """Whether no frame goes out."""
        self.thinned = ALL
        """The highest temporal layer that goes out."""
        self.held = False
        """Whether anything is held back: either of them."""
        self._sooner = SOONER[0]

    def precede(self, precedence: int) -> None:
        """How many there are, of the receiver's other pictures, that this one gives way to: 0 none, and then it is the last to give."""
        self._sooner = SOONER[min(precedence, len(SOONER) - 1)]

    def begin_frame(self, fill: float, *, layered: bool) -> int:
        """A frame begins while the way is as full as this (`Allowance.fill`): `AS_BEFORE`, `CHANGED` or `RESUMED`.

        `layered`: the picture has temporal layers.
        """
        fill *= self._sooner
        if self.left_out:
            if fill >= DRAINED:
                return AS_BEFORE
            self.release()
            return RESUMED
        if fill > 1:
            self.left_out = self.held = True
            self.thinned = ALL
            return CHANGED
        if fill < DRAINED:
            was_held = self.held
            self.release()
            return CHANGED if was_held else AS_BEFORE
        most = next((temporal for least, temporal in THINNED if fill > least), ALL)
        if layered and most < self.thinned:
            self.thinned = most
            self.held = True
            return CHANGED
        return AS_BEFORE

    def release(self) -> None:
        """All of the picture goes out."""
        self.left_out = self.held = False
        self.thinned = ALL
