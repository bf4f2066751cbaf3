"""What a participant may ask of its room. The asker is always the channel's own participant, never a field."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sfu.ids import ParticipantId, TrackId


class Source(StrEnum):
    """What a track shows or sounds of."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen_audio"

    @property
    def kind(self) -> str:
        """`audio` or `video`."""
        return "audio" if self in (Source.MICROPHONE, Source.SCREEN_AUDIO) else "video"


@dataclass(frozen=True, slots=True)
class Admit:
    participant: ParticipantId
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class Deny:
    participant: ParticipantId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Remove:
    participant: ParticipantId
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Allow:
    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Lock:
    locked: bool


@dataclass(frozen=True, slots=True)
class SendNotice:
    text: str
    participant: ParticipantId | None = None
    """None: all who wait."""


@dataclass(frozen=True, slots=True)
class Silence:
    track: TrackId


@dataclass(frozen=True, slots=True)
class Pin:
    """Staff want somebody seen by all, and well: a signing interpreter."""

    participant: ParticipantId
    pinned: bool


@dataclass(frozen=True, slots=True)
class ReadLink:
    """Staff want the shared link, to pass it on. The answer is its generation; whoever has the secret makes the link of it."""


@dataclass(frozen=True, slots=True)
class End:
    pass


@dataclass(frozen=True, slots=True)
class SendSection:
    """A media section on which the client sends."""

    mid: str
    source: Source


@dataclass(frozen=True, slots=True)
class ReceiveSection:
    """A media section on which the client wants a track of the roster."""

    mid: str
    kind: str
    """`audio` or `video`, as the SDP says."""
    track: TrackId


@dataclass(frozen=True, slots=True)
class Offer:
    """An SDP offer that has been read and found good; the room decides what it may carry."""

    send: tuple[SendSection, ...]
    receive: tuple[ReceiveSection, ...]
    fresh: bool
    """It comes from another RTCPeerConnection than the transport at hand (other DTLS fingerprint), or there is none."""


@dataclass(frozen=True, slots=True)
class Mute:
    track: TrackId
    muted: bool


@dataclass(frozen=True, slots=True)
class View:
    """What the receiver shows of a track; sizes in CSS pixels, frame rate per second."""

    track: TrackId
    width: int
    height: int
    frame_rate: int | None = None
    priority: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class SendText:
    text: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class Leave:
    pass


Request = (
    Admit
    | Deny
    | Hold
    | Remove
    | Allow
    | Lock
    | SendNotice
    | Silence
    | Pin
    | ReadLink
    | End
    | Offer
    | Mute
    | View
    | SendText
    | Leave
)
