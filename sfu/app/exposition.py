"""Every metric that operations.md names and that exists now, read from plain counters at the moment of a scrape."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from sfu import __version__, build, clock, tasks
from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.admission.waiting_room import State
from sfu.app.counters import Counters
from sfu.app.deliveries import Deliveries
from sfu.app.homes import Homes
from sfu.app.webhooks import Webhooks
from sfu.metrics.families import counter, gauge, histogram
from sfu.metrics.loop_lag import LoopLag
from sfu.rooms.pictures import Held
from sfu.transport.counters import Kind
from sfu.transport.endpoint import Endpoint
from sfu.transport.media_port import MediaPort
from sfu.transport.parameters import Stage
from sfu.transport.plane import Plane
from sfu.transport.tcp import Ending
from sfu.visits.store import Store
from sfu.web.channel import ChannelCounters
from sfu.web.malformed import MalformedRequests

LIVE = (State.WAITING, State.ADMITTED)
SPATIAL_LAYERS = 3  # browsers send no more; a fourth would show too, from when it comes


class Exposition:
    """Reads the parts of the server; none of them knows of metrics."""

    def __init__(
        self,
        counters: Counters,
        store: Store,
        homes: Homes,
        channels: ChannelCounters,
        malformed: MalformedRequests,
        endpoint: Endpoint,
        plane: Plane,
        lag: LoopLag,
        deliveries: Deliveries,
        webhooks: Webhooks,
        media_port: MediaPort,
    ) -> None:
        self._counters = counters
        self._store = store
        self._homes = homes
        self._channels = channels
        self._malformed = malformed
        self._endpoint = endpoint
        self._plane = plane
        self._lag = lag
        self._deliveries = deliveries
        self._webhooks = webhooks
        self._media_port = media_port

    def read(self) -> Iterable[Metric]:
        yield gauge(
            "evisit_build_info",
            "1, with what is running.",
            {(__version__, build.PLANE, platform.python_version()): 1},
            ("version", "plane", "python"),
        )
        yield gauge(
            "evisit_store_available",
            "1 while the database can be written; 0: nobody new gets in, running visits go on.",
            int(self._store.available),
        )
        yield from self._visits()
        yield from self._admission()
        yield from self._media()
        yield from self._pictures()
        yield from self._transport()
        yield from self._signalling()
        yield from self._outboxes()

    def _visits(self) -> Iterable[Metric]:
        visits: Counter[tuple[str, ...]] = Counter({(VisitState.OPEN,): 0, (VisitState.ACTIVE,): 0})
        people: Counter[tuple[str, ...]] = Counter({(role, state): 0 for role in Role for state in LIVE})
        for home in self._homes.live():
            participants = [each for each in home.room.participants if each.state in LIVE]
            if not participants:
                continue  # it is over, or somebody only looked at it; it is kept for its count of knocks alone
            visits[VisitState.ACTIVE if any(each.admitted for each in participants) else VisitState.OPEN,] += 1
            people.update((each.role, each.state) for each in participants)
        yield gauge(
            "evisit_visits",
            "Visits with somebody who waits or is in, by state; active: somebody is in.",
            visits,
            ("state",),
        )
        yield gauge("evisit_participants", "People who wait or are in.", people, ("role", "state"))

    def _admission(self) -> Iterable[Metric]:
        counted = self._counters
        self._homes.strays.look(clock.monotonic())
        yield histogram(
            "evisit_lobby_wait_seconds",
            "From the knock to staff's decision, or until whoever waited gave up or the visit was over.",
            counted.lobby_wait,
            ("role", "outcome"),
        )
        wall = clock.wall()
        waits = [
            max(0.0, (wall - each.place.waiting_since).total_seconds())
            for home in self._homes.live()
            for each in home.room.participants
            if each.waiting and each.connected
        ]
        yield gauge(
            "evisit_lobby_longest_wait_seconds",
            "How long they wait already who wait longest and are there; 0 where nobody waits.",
            max(waits, default=0.0),
        )
        yield histogram(
            "evisit_admit_to_media_seconds",
            "From the click, or when another had media if that was later, to the first packet forwarded both ways.",
            counted.admit_to_media,
        )
        yield counter(
            "evisit_admissions_total",
            "Steps in and out of the meeting.",
            {(outcome,): count for outcome, count in counted.admissions.items()},
            ("outcome",),
        )
        yield counter(
            "evisit_unadmitted_media_packets_total",
            "Media packets for or from somebody who is not admitted. Must stay 0; alert on anything else.",
            self._homes.strays.packets + self._plane.counters.unadmitted,
        )
        yield histogram(
            "evisit_roster_lag_seconds",
            "From when a change was asked for to its roster handed to the last peer.",
            counted.roster_lag,
        )

    def _media(self) -> Iterable[Metric]:
        plane = self._plane.counters
        by_direction = {
            (direction, kind): (packets[kind], octets[kind])
            for direction, packets, octets in (
                ("in", plane.packets_in, plane.bytes_in),
                ("out", plane.packets_out, plane.bytes_out),
            )
            for kind in Kind
        }
        labels = ("direction", "kind")
        packets = {key: value[0] for key, value in by_direction.items()}
        octets = {key: value[1] for key, value in by_direction.items()}
        yield counter("evisit_rtp_packets_total", "Media packets, and reports as kind rtcp.", packets, labels)
        yield counter("evisit_rtp_bytes_total", "UDP payload of those packets.", octets, labels)
        drops = Counter({(reason,): count for reason, count in plane.drops.counts.items()})
        drops.update({(reason,): count for reason, count in self._endpoint.drops.counts.items()})
        yield counter("evisit_rtp_dropped_total", "What was not handed on, and why.", drops, ("reason",))
        yield histogram(
            "evisit_forward_latency_seconds", "Socket readable to handed to the kernel.", plane.forward_latency
        )
        yield counter(
            "evisit_retransmissions_total",
            "Packets that receivers asked for again.",
            {(outcome,): count for outcome, count in plane.retransmissions.items()},
            ("outcome",),
        )
        yield counter(
            "evisit_keyframe_requests_total",
            "Wishes for a keyframe.",
            {(outcome,): count for outcome, count in plane.keyframe_requests.items()},
            ("outcome",),
        )
        yield histogram(
            "evisit_packet_loss_ratio",
            "Lost between two reports.",
            {("in",): plane.loss_in, ("out",): plane.loss_out},
            ("direction",),
        )
        yield histogram(
            "evisit_first_picture_seconds",
            "A route of video begins to its first keyframe on its way.",
            plane.first_picture,
        )
        yield histogram("evisit_round_trip_seconds", "As receivers' reports tell.", plane.round_trip)
        yield histogram("evisit_jitter_seconds", "Interarrival jitter (RFC 3550 6.4.1).", plane.jitter)

    def _pictures(self) -> Iterable[Metric]:
        layers: Counter[tuple[str, ...]] = Counter({(str(spatial),): 0 for spatial in range(SPATIAL_LAYERS)})
        held: Counter[tuple[str, ...]] = Counter({(reason,): 0 for reason in Held})
        for home in self._homes.live():
            pictures = home.room.pictures
            held.update((reason,) for reason in pictures.held.values())
            layers.update(
                (str(grant.spatial),)
                for allotment in pictures.allotments.values()
                for grant in allotment.grants.values()
                if not grant.paused
            )
        yield gauge("evisit_layers", "Pictures that receivers are given, by spatial layer.", layers, ("spatial",))
        yield gauge("evisit_tracks_paused", "Tracks that are held back from a receiver.", held, ("reason",))
        yield histogram(
            "evisit_downlink_estimate_bits_per_second",
            "What the way down to a receiver takes, each time that it was told.",
            self._counters.downlink_estimate,
        )
        yield histogram("evisit_quality_score", "Scores told, 1 to 5.", self._counters.quality)

    def _transport(self) -> Iterable[Metric]:
        endpoint = self._endpoint
        yield histogram(
            "evisit_dtls_handshake_seconds", "From the first ClientHello to the keys.", endpoint.dtls_handshake_seconds
        )
        yield histogram(
            "evisit_ice_connected_seconds", "From the answer to the first nomination.", endpoint.ice_connected_seconds
        )
        yield counter(
            "evisit_transport_failures_total",
            "Transports that ended by themselves, by how far they had come.",
            {
                (stage,): count + (self._plane.bugs if stage is Stage.BUG else 0)
                for stage, count in endpoint.failures.items()
            },
            ("stage",),
        )
        yield gauge(
            "evisit_transports",
            "Connected transports, by what carries their media now.",
            {(protocol,): count for protocol, count in endpoint.connected().items()},
            ("protocol",),
        )
        tcp = self._media_port.tcp
        yield gauge(
            "evisit_tcp_connections",
            "TCP connections to the media port, those that have proved nothing yet among them.",
            tcp.connections if tcp is not None else 0,
        )
        yield counter(
            "evisit_tcp_connections_ended_total",
            "Those that have ended, and why.",
            {(why,): tcp.endings[why] if tcp is not None else 0 for why in Ending},
            ("reason",),
        )

    def _signalling(self) -> Iterable[Metric]:
        yield counter(
            "evisit_signalling_messages_total",
            "Requests of clients, by how they were answered.",
            self._channels.messages,
            ("type", "outcome"),
        )
        yield counter(
            "evisit_malformed_requests_total",
            "HTTP that could not be read; none of it is logged.",
            self._malformed.count,
        )
        yield gauge("evisit_signalling_channels", "WebSockets open now.", self._channels.open)
        yield counter(
            "evisit_resumes_total",
            "Channels that came back.",
            {(outcome,): count for outcome, count in self._counters.resumes.items()},
            ("outcome",),
        )
        yield histogram("evisit_event_loop_lag_seconds", "How late timers run.", self._lag.histogram)
        yield gauge(
            "evisit_tasks", "Tasks under way. They go up and down with people; growth alone is a leak.", tasks.running()
        )
        bugs = self._counters.bugs + self._channels.bugs + self._endpoint.bugs + self._plane.bugs
        yield counter("evisit_bugs_total", "Faults of ours, each of which ended one participant's part.", bugs)

    def _outboxes(self) -> Iterable[Metric]:
        yield counter(
            "evisit_invitations_total",
            "Mails by what became of an attempt, and drafts handed out.",
            {(outcome,): count for outcome, count in self._deliveries.outcomes.items()},
            ("outcome",),
        )
        yield counter(
            "evisit_webhook_deliveries_total",
            "Webhook events by what became of an attempt.",
            {(outcome,): count for outcome, count in self._webhooks.outcomes.items()},
            ("outcome",),
        )
        yield gauge(
            "evisit_webhook_events_waiting", "Webhook events that no endpoint has taken yet.", self._webhooks.waiting
        )
