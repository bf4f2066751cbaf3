"""RTCP: reports and feedback, read and written (RFC 3550 6, 4585 6, 5104 4.3.1, draft-alvestrand-rmcat-remb).

`parse` takes what anybody sends and either reads all of it or refuses all of it. Reduced-size packets (RFC 5506) are taken: any
packet may come first. What this module does not know is skipped.
"""

from __future__ import annotations

from sfu.rtp.rtcp.packets import (
    Bye,
    FullIntraRequest,
    Nack,
    Packet,
    PictureLoss,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
    SourceDescription,
)
from sfu.rtp.rtcp.reading import MAX_COMPOUND, MAX_ITEMS, MAX_LOST, MAX_PACKETS, MAX_STATUSES, parse
from sfu.rtp.rtcp.writing import build

__all__ = [
    "MAX_COMPOUND",
    "MAX_ITEMS",
    "MAX_LOST",
    "MAX_PACKETS",
    "MAX_STATUSES",
    "Bye",
    "FullIntraRequest",
    "Nack",
    "Packet",
    "PictureLoss",
    "ReceiverReport",
    "Remb",
    "ReportBlock",
    "SenderReport",
    "SourceDescription",
    "build",
    "parse",
]
