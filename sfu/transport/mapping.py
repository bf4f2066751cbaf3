"""Which payload type a receiver knows a sender's codec by. Prepared once a route."""

from __future__ import annotations

from dataclasses import dataclass

from sfu.transport.parameters import Codec, Section

NO_CODEC = -1
"""The receiver has not negotiated what this payload type carries."""
NO_RED = -1


@dataclass(frozen=True, slots=True)
class Mapping:
    """Payload types of one section in those of another, each as 128 entries by the sender's number."""

    payload_types: tuple[int, ...]
    """The receiver's payload type, or NO_CODEC."""
    rtx_payload_types: tuple[int, ...]
    """The receiver's RTX payload type for it, or NO_CODEC."""
    strip_red: int
    """The sender's payload type of RED (RFC 2198) that the receiver gets as plain Opus, or NO_RED."""


def mapping(sender: Section, receiver: Section) -> Mapping:
    """Prepare the way from `sender` to `receiver`."""
    payload_types = [NO_CODEC] * 128
    rtx_payload_types = [NO_CODEC] * 128
    strip_red = NO_RED
    for codec in sender.codecs:
        twin = _twin(codec, sender, receiver)
        if twin is None and codec.name == "RED":
            twin = _opus(receiver)
            strip_red = codec.payload_type if twin is not None else NO_RED
        if twin is not None:
            payload_types[codec.payload_type] = twin.payload_type
            if twin.rtx_payload_type is not None:
                rtx_payload_types[codec.payload_type] = twin.rtx_payload_type
    return Mapping(tuple(payload_types), tuple(rtx_payload_types), strip_red)


def _twin(codec: Codec, sender: Section, receiver: Section) -> Codec | None:
    """The receiver's codec that decodes what `codec` encodes."""
    wanted = signature(codec)
    for other in receiver.codecs:
        if signature(other) == wanted:
            if codec.name == "RED" and not _same_opus(sender, receiver):
                # The blocks inside name Opus by the sender's number (RFC 2198 3), which means nothing to the receiver.
                return None
            return other
    return None


def _opus(section: Section) -> Codec | None:
    return next((codec for codec in section.codecs if codec.name == "OPUS"), None)


def _same_opus(sender: Section, receiver: Section) -> bool:
    ours, theirs = _opus(sender), _opus(receiver)
    return ours is not None and theirs is not None and ours.payload_type == theirs.payload_type


def signature(codec: Codec) -> tuple[str, int, str]:
    """What is equal for two codecs that are the same: name, clock rate, and the profile that a decoder cannot do without."""
    parameters = format_parameters(codec.parameters)
    profile = ""
    if codec.name == "H264":
        # RFC 6184 8.1, 8.2.2: profile and packetization mode must match; the level, the last byte, may differ.
        profile_level_id = parameters.get("profile-level-id", "420010").lower()
        profile = f"{profile_level_id[:4]}/{parameters.get('packetization-mode', '0')}"
    elif codec.name == "VP9":
        profile = parameters.get("profile-id", "0")
    elif codec.name == "AV1":
        profile = parameters.get("profile", "0")
    return codec.name, codec.clock_rate, profile


def format_parameters(text: str) -> dict[str, str]:
    """An `a=fmtp` value such as `profile-id=2;x=y` as a dict. A word without a value gets an empty one."""
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name.lower(): value for name, _, value in pairs if name}
