"""Why a datagram or packet went no further. Each is counted; the metric's label is the reason."""

from __future__ import annotations

from enum import StrEnum


class DropReason(StrEnum):
    """Every reason for which something that arrived, or was to be sent, is not handed on."""

    # The socket: what the kernel dropped before we saw it
    RECEIVE_BUFFER_FULL = "receive_buffer_full"

    # The endpoint: before a datagram is known to come from a peer
    EMPTY = "empty"
    BAD_SOURCE = "bad_source"
    UNKNOWN_PROTOCOL = "unknown_protocol"
    UNKNOWN_SOURCE = "unknown_source"
    MALFORMED_STUN = "malformed_stun"
    UNKNOWN_UFRAG = "unknown_ufrag"
    STUN_UNAUTHENTICATED = "stun_unauthenticated"
    STUN_REPLAYED = "stun_replayed"
    SOURCE_TAKEN = "source_taken"
    HANDSHAKES_FULL = "handshakes_full"

    # The plane: before a packet is known to be the peer's own
    UNKNOWN_PEER = "unknown_peer"
    NO_KEYS = "no_keys"
    TOO_SHORT = "too_short"
    TOO_LARGE = "too_large"
    SSRC_LIMIT = "ssrc_limit"
    UNAUTHENTICATED = "unauthenticated"
    REPLAYED = "replayed"
    MALFORMED_RTP = "malformed_rtp"
    MALFORMED_RTCP = "malformed_rtcp"

    # The plane: authentic packets that are not read, or not forwarded
    RTCP_LIMIT = "rtcp_limit"
    UNBOUND_SSRC = "unbound_ssrc"
    UNKNOWN_PAYLOAD_TYPE = "unknown_payload_type"
    DUPLICATE = "duplicate"
    TOO_OLD = "too_old"
    SEQUENCE_JUMP = "sequence_jump"
    PADDING = "padding"
    MALFORMED_RTX = "malformed_rtx"
    OTHER_LAYER = "other_layer"
    NO_ROUTE = "no_route"

    # The plane: one receiver's copy
    NO_CODEC = "no_codec"
    MALFORMED_RED = "malformed_red"
    NOT_A_KEYFRAME = "not_a_keyframe"
    ABOVE_ESTIMATE = "above_estimate"
    NOT_CONNECTED = "not_connected"
    SUPERSEDED = "superseded"
    PROTECT_FAILED = "protect_failed"
    SEND_BUFFER_FULL = "send_buffer_full"


class Drops:
    """One plain integer a reason; read by the metrics collector when scraped."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[DropReason, int] = dict.fromkeys(DropReason, 0)

    def add(self, reason: DropReason, times: int = 1) -> None:
        self.counts[reason] += times
