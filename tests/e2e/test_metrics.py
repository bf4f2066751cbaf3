"""What an operator reads agrees with what the clients counted, and names nobody."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from sfu.metrics.families import LABELS
from tests.e2e.client import Client
from tests.e2e.server import Server

Connect = Callable[[], Awaitable[Client]]

NAMES = """
evisit_build_info evisit_visits evisit_participants evisit_lobby_wait_seconds evisit_admit_to_media_seconds
evisit_admissions_total evisit_unadmitted_media_packets_total evisit_roster_lag_seconds evisit_rtp_packets_total
evisit_rtp_bytes_total evisit_rtp_dropped_total evisit_forward_latency_seconds evisit_retransmissions_total
evisit_keyframe_requests_total evisit_packet_loss_ratio evisit_round_trip_seconds evisit_jitter_seconds
evisit_dtls_handshake_seconds evisit_ice_connected_seconds evisit_transport_failures_total
evisit_signalling_messages_total evisit_signalling_channels evisit_resumes_total evisit_event_loop_lag_seconds
evisit_bugs_total process_cpu_seconds_total python_info
""".split()
"""Of those that operations.md names, the ones whose thing exists."""

PACKETS = 20


async def test_metrics_agree_with_what_clients_counted(server: Server, client: Connect) -> None:
    visit = await server.book()
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    patient = await (await client()).join(ticket=await server.patient(visit))
    await clinician.ask("admit", participant=patient.id)
    await patient.until(lambda c: c.state == "admitted")
    for person in (clinician, patient):
        await person.publish(video=False)
    for person in (clinician, patient):
        await person.until(lambda c: len(c.tracks) == 2)
        await person.subscribe()
    for person in (clinician, patient):
        for number in range(PACKETS):
            await person.send("0", bytes(50), number, number * 960)
    for person in (clinician, patient):
        await person.until(lambda c: len(c.packets) == PACKETS)
    await patient.drop()
    await (await client()).join(resume=patient.joined["resume"])

    samples = await server.metrics()
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name, _ in samples}
    assert [name for name in NAMES if name not in families] == []
    assert samples["evisit_rtp_packets_total", (("direction", "in"), ("kind", "audio"))] == 2 * PACKETS
    assert samples["evisit_rtp_packets_total", (("direction", "out"), ("kind", "audio"))] == 2 * PACKETS
    assert samples["evisit_admissions_total", (("outcome", "admitted"),)] == 2
    assert samples["evisit_participants", (("role", "patient"), ("state", "admitted"))] == 1
    assert samples["evisit_visits", (("state", "active"),)] == 1
    assert samples["evisit_admit_to_media_seconds_count", ()] == 1, (
        "who was let in, and not staff who came by themselves"
    )
    assert samples["evisit_dtls_handshake_seconds_count", ()] == 2
    assert samples["evisit_resumes_total", (("outcome", "ok"),)] == 1
    assert samples["evisit_unadmitted_media_packets_total", ()] == 0
    assert samples["evisit_bugs_total", ()] == 0


async def test_no_label_names_anybody(server: Server, client: Connect) -> None:
    visit = await server.book()
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    await clinician.ask("leave")
    labels = {label for name, labels in await server.metrics() if name.startswith("evisit_") for label in labels}
    assert {name for name, _ in labels} <= LABELS | {"le"}
    private = re.compile(r"[vptk]_[0-9a-f]{8}|\d+\.\d+\.\d+\.\d+|Eva|hsa:|1177:")
    assert not [value for name, value in labels if name not in ("le", "version", "python") and private.search(value)]


async def test_strangers_do_not_grow_the_series(server: Server, client: Connect) -> None:
    before = set(await server.metrics())
    for _ in range(3):
        visit = await server.book()
        await (await client()).join(ticket=await server.clinician(visit))
    after = set(await server.metrics())
    new = {name for name, _ in after - before}
    assert new <= {
        "evisit_signalling_messages_total",
        "evisit_lobby_wait_seconds_bucket",
        "evisit_lobby_wait_seconds_count",
        "evisit_lobby_wait_seconds_sum",
    }
