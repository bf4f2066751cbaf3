"""What a packet tells of the frame it carries a piece of, whatever the codec."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfu.rtp.dependency import Structure

NO_NUMBER = -1
"""The packet does not tell this number."""
ALL = 7
"""As a layer: all there are. Three bits hold every layer's number in all codecs (RFC 7741, RFC 9628, AV1 RTP payload 4)."""
LAYERS = 64
"""Of `Frame.layer` that there can be."""


class Frame:
    """What `vp8.parse`, `vp9.parse` and `Structures.read` found. One object is made once and filled for every packet.

    The frame is that of one spatial layer; the frames of all spatial layers with one timestamp are a picture.
    """

    __slots__ = (
        "active",
        "attached",
        "closes",
        "dtis",
        "end",
        "keyframe",
        "number",
        "picture_at",
        "picture_id",
        "serves",
        "sizes",
        "spatial",
        "start",
        "structure",
        "sync",
        "temporal",
        "tl0",
        "tl0_at",
        "up",
        "wide",
    )

    def __init__(self) -> None:
        self.start = False
        """This is the frame's first packet."""
        self.end = False
        """This is the frame's last packet."""
        self.keyframe = False
        """A decoder can begin with this packet: the first one of a keyframe's lowest spatial layer."""
        self.spatial = 0
        self.temporal = 0
        self.sync = False
        """The frame is predicted from the lowest temporal layer alone: a receiver of the layer below may go up with it."""
        self.up = False
        """From this frame on a receiver of its temporal layer may go up to any other."""
        self.picture_id = NO_NUMBER
        self.picture_at = 0
        """Where the picture id stands, in bytes from the beginning of the payload."""
        self.wide = False
        """Whether the picture id has 15 bits, else 7."""
        self.closes = False
        """Whether receivers take a missing picture id for a lost frame: VP8's do."""
        self.tl0 = NO_NUMBER
        """TL0PICIDX, the running number of frames of the lowest temporal layer."""
        self.tl0_at = 0
        self.number = NO_NUMBER
        """The frame number of its dependency descriptor."""
        self.dtis = b""
        """By decode target, what the frame is to it (`dependency`); empty where no descriptor tells."""
        self.structure: Structure | None = None
        """What `dtis` is of."""
        self.attached = False
        """Whether this packet brings the structure."""
        self.active = 0
        """A bit for every decode target that the sender serves, where this packet tells; else 0."""
        self.serves = 0
        """The same as it was told last."""
        self.sizes: tuple[tuple[int, int], ...] = ()
        """(width, height) of each spatial layer, where this packet tells them."""

    def clear(self) -> None:
        """A piece of a frame of which nothing is known yet."""
        self.start = self.end = self.keyframe = self.sync = self.up = self.closes = self.attached = False
        self.spatial = self.temporal = 0
        self.picture_id = self.tl0 = self.number = NO_NUMBER
        self.dtis = b""
        self.structure = None
        self.sizes = ()

    @property
    def layer(self) -> int:
        """Spatial and temporal layer as one number below `LAYERS`."""
        return (self.spatial & 7) << 3 | self.temporal & 7
