from __future__ import annotations

from bench.metrics import read

EARLIER = """\
# TYPE evisit_rtp_packets_total counter
evisit_rtp_packets_total{direction="in",kind="audio"} 10.0
evisit_rtp_packets_total{direction="in",kind="video"} 20.0
evisit_rtp_packets_total{direction="in",kind="rtcp"} 7.0
evisit_rtp_packets_total{direction="out",kind="audio"} 40.0
evisit_rtp_packets_total{direction="out",kind="rtx"} 3.0
# TYPE evisit_rtp_bytes_total counter
evisit_rtp_bytes_total{direction="in",kind="audio"} 900.0
evisit_rtp_bytes_total{direction="out",kind="audio"} 4000.0
# TYPE evisit_event_loop_lag_seconds histogram
evisit_event_loop_lag_seconds_bucket{le="0.001"} 100.0
evisit_event_loop_lag_seconds_bucket{le="0.01"} 100.0
evisit_event_loop_lag_seconds_bucket{le="+Inf"} 100.0
"""
LATER = EARLIER.replace('le="0.001"} 100', 'le="0.001"} 197').replace('le="0.01"} 100', 'le="0.01"} 199')
LATER = LATER.replace('le="+Inf"} 100', 'le="+Inf"} 200')


def test_media_are_counted_and_nothing_else() -> None:
    scrape = read(EARLIER)
    assert (scrape.packets_in, scrape.packets_out, scrape.bytes_out) == (30, 40, 4000)
    assert scrape.tasks is None


def test_tasks_are_read_where_they_are_told() -> None:
    assert read("# TYPE evisit_tasks gauge\nevisit_tasks 4.0\n").tasks == 4


def test_lag_is_of_the_time_between_two_readings() -> None:
    assert read(LATER).lag_ms_p99(read(EARLIER)) == 10.0
    assert read(EARLIER).lag_ms_p99(read(EARLIER)) is None


def test_lag_beyond_every_bound_has_no_figure() -> None:
    late = EARLIER.replace('le="+Inf"} 100', 'le="+Inf"} 200')
    assert read(late).lag_ms_p99(read(EARLIER)) is None
