"""Runs of equal datagrams: what one system call takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.transport.counters import Counters
from sfu.transport.drops import DropReason, Drops
from sfu.transport.outbox import MAX_DATAGRAM, MAX_IDLE_SLABS, SLAB_BYTES, Outbox, Outboxes
from tests.transport.plane_world import FakeSender


def outbox() -> tuple[Outbox, Outboxes, FakeSender]:
    sender = FakeSender()
    outboxes = Outboxes(sender, Counters(Drops()))
    made = Outbox(outboxes)
    made.destination = "there"
    made.admitted = True
    return made, outboxes, sender


def put(made: Outbox, datagram: bytes) -> None:
    made.reserve()
    made.view[made.end : made.end + len(datagram)] = datagram
    made.commit(len(datagram))


@given(st.lists(st.integers(1, MAX_DATAGRAM) | st.sampled_from([1200, 1201, 80]), max_size=300))
def test_every_datagram_leaves_once_whole_and_in_order(sizes: list[int]) -> None:
    made, outboxes, sender = outbox()
    datagrams = [bytes([index & 0xFF]) * size for index, size in enumerate(sizes)]
    for datagram in datagrams:
        put(made, datagram)
    outboxes.send()
    # FakeSender cuts a run into its segments as the kernel does, and asserts the kernel's limits.
    assert sender.sent == [("there", datagram) for datagram in datagrams]


def test_a_shorter_datagram_ends_a_run_and_a_longer_one_begins_another() -> None:
    made, outboxes, sender = outbox()
    for size in (100, 100, 60, 60, 90, 90, 30):
        put(made, bytes(size))
    assert outboxes.send() == 7
    assert sender.runs == [(260, 100), (60, 60), (210, 90)]


def test_a_run_has_at_most_64_datagrams() -> None:
    made, outboxes, sender = outbox()
    for _ in range(130):
        put(made, bytes(100))
    outboxes.send()
    assert sender.runs == [(6400, 100), (6400, 100), (200, 100)]


def test_a_full_slab_is_sent_early() -> None:
    made, outboxes, sender = outbox()
    for _ in range(50):
        put(made, bytes(1400))
    assert 0 < len(sender.sent) < 50
    outboxes.send()
    assert len(sender.sent) == 50
    assert max(size for size, _ in sender.runs) <= SLAB_BYTES


def test_slabs_are_shared_one_after_the_other_and_not_hoarded() -> None:
    made, outboxes, _ = outbox()
    slabs = set()
    for _ in range(10):
        put(made, b"x")
        slabs.add(id(made.view.obj))
        outboxes.send()
    assert len(slabs) == 1
    for _ in range(2 * MAX_IDLE_SLABS):
        outboxes.give_back(outboxes.take_slab())
    assert len(outboxes._idle) == 1


def test_what_the_kernel_refuses_is_dropped_and_counted() -> None:
    made, outboxes, sender = outbox()
    sender.full = True
    for _ in range(5):
        put(made, bytes(100))
    assert outboxes.send() == 0
    assert outboxes.counters.drops.counts[DropReason.SEND_BUFFER_FULL] == 5
    sender.full = False
    assert outboxes.send() == 0
    put(made, b"next")
    assert outboxes.send() == 1


def test_nothing_is_sent_for_whom_nobody_admitted_and_it_is_counted() -> None:
    made, outboxes, sender = outbox()
    made.admitted = False
    put(made, b"one")
    put(made, b"two")
    assert outboxes.send() == 0
    assert sender.sent == []
    assert outboxes.counters.unadmitted == 2


def test_what_is_cleared_is_gone() -> None:
    made, outboxes, sender = outbox()
    for size in (10, 10, 5, 8):
        put(made, bytes(size))
    assert made.clear() == 4
    assert made.clear() == 0
    put(made, b"after")
    outboxes.send()
    assert [datagram for _, datagram in sender.sent] == [b"after"]
