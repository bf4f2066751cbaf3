"""What a scenario asks of the generator's process, and what it tells back: plain values that cross as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The server under test."""

    kind: str
    """`sfu` or `janus`: which adapter speaks to it."""
    base_url: str
    pid: int
    portal_key: str = ""
    metrics_url: str = ""
    """Empty where the server has none."""
    bind: str = "127.0.0.1"
    """The address of the clients' sockets."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One room: so many people, of whom the first `senders` send camera and microphone. Everybody receives all that others send."""

    people: int
    senders: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, and to whom."""

    work: str
    """`hold`, `visits`, `lobby`, `crowd` or `saturate`: a function of bench.generator."""
    target: Target
    shapes: tuple[Shape, ...]
    seconds: float
    """Of the window."""
    core: int | None = None
    """What the generator is bound to."""
    waiting: int = 0
    """`lobby`: people who wait in each visit."""
    joins: int = 0
    """`crowd`: how often somebody knocks, over all."""
    rate: float = 0.0
    """`crowd`: knocks a second."""
    at: int = 0
    """`crowd`: the visits that are knocked at; the others only run."""
    stay: float = 0.0
    """`visits`: seconds that a visit lasts before the next one takes its place."""
    samples: float = 0.0
    """`visits`: seconds from one look at what the server holds to the next; 0 takes none."""
    simulcast: bool = False
    """Whether the picture is sent as simulcast."""
    opened_per_second: int = 10_000
    """Packets that are opened and checked, about; at higher rates a share is (see bench.incoming)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase has come."""

    phase: str
    done: float
    of: float


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What happened in the window. Packets are RTP packets of media."""

    seconds: float
    people: int
    join_seconds: float
    """From the first booking to the last client connected."""
    sent: int
    expected: int
    """By the receivers."""
    by_gaps: bool
    """Whether `expected` is by sequence numbers, as people came and went; else it is exact."""
    received: int
    octets: int
    """UDP payload of the received."""
    checked: int
    """Of the received, those opened for their content and latency."""
    reordered: int
    corrupt: int
    refused: int
    unexpected: int
    nacks: int
    keyframes_asked: int
    socket_drops: int
    """Datagrams that the kernel dropped because the generator did not read in time: ours to blame, and part of the loss."""
    server_user: float
    """CPU seconds."""
    server_system: float
    generator_cpu: float
    """CPU seconds."""
    memory_before: int
    """Bytes that the server held before anybody came, and with everybody in."""
    memory_after: int
    late_ms_p99: float | None
    """How late the generator sent."""
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    latency_ms_p999: float | None
    srtp_profile: str
    server_packets_in: int | None = None
    """By the server's own metrics; None where it has none."""
    server_packets_out: int | None = None
    server_bytes_out: int | None = None
    loop_lag_ms_p99: float | None = None
    """The bound of the server's histogram that holds 99 of 100."""
