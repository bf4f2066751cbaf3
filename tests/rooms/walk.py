"""Random walks over the machine's own rules, each as likely as it is busy in real visits; seeded, and so repeatable.

Hypothesis searches and shrinks; a walk covers ground. Most faults of a lobby need a few right things in a row, which even
weights find in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from sfu.admission.roles import Role
from sfu.admission.visit import VisitState
from sfu.rooms.requests import Admit, Allow, Deny, Hold, Remove, Source
from tests.rooms.machine import Visits
from tests.rooms.model import DECISIONS, PEOPLE, agreed_admit
from tests.rooms.sample import UNIT, VISIT

Move = Callable[[Visits, Random], object]


def number(random: Random) -> int:
    return random.randrange(31)


MOVES: list[tuple[int, Move]] = [
    (4, lambda visits, random: visits.by_new_ticket(random.choice(sorted(PEOPLE)))),
    (3, lambda visits, random: visits.by_old_ticket(number(random))),
    (3, lambda visits, random: visits.by_link(random.choice(list(Role)), random.choice([0, 0, 1]))),
    (6, lambda visits, random: visits.by_resume(number(random), random.random() < 0.8)),
    (2, lambda visits, random: visits.away and visits.who_was_turned_away_tries_again(number(random))),
    (6, lambda visits, random: visits.somebody_decides(number(random), number(random), random.choice(DECISIONS))),
    (6, lambda visits, random: visits.staff_decide(number(random), random.choice([Admit, Deny, Hold, Remove, Allow]))),
    (3, lambda visits, random: visits.staff_decide(number(random), agreed_admit)),
    (2, lambda visits, random: visits.lock(number(random), random.random() < 0.5)),
    (1, lambda visits, random: visits.notice(number(random), random.choice([None, number(random)]))),
    (1, lambda visits, random: visits.text(number(random))),
    (1, lambda visits, random: visits.leave(number(random))),
    (3, lambda visits, random: visits.repeat(number(random))),
    (3, lambda visits, random: visits.everybody_offers()),
    (
        4,
        lambda visits, random: visits.offer(
            number(random), random.choices(list(Source), k=2), random.random() < 0.4, random.random() < 0.6
        ),
    ),
    (1, lambda visits, random: visits.receive_anything(number(random), number(random))),
    (1, lambda visits, random: visits.mute(number(random), number(random), random.random() < 0.5)),
    (1, lambda visits, random: visits.silence(number(random), number(random))),
    (1, lambda visits, random: visits.view(number(random), number(random), random.random() < 0.5)),
    (2, lambda visits, random: visits.media_connected(number(random))),
    (1, lambda visits, random: visits.media_lost(number(random))),
    (1, lambda visits, random: visits.speaks(number(random))),
    (5, lambda visits, random: visits.channel_lost(number(random))),
    (2, lambda visits, random: visits.a_channel_dies(number(random))),
    (1, lambda visits, random: visits.the_losses_are_told()),
    (1, lambda visits, random: visits.an_older_channel_closes(number(random))),
    (2, lambda visits, random: visits.time_passes(random.choice([1.0, 60.0, 119.0, 121.0]))),
    (1, lambda visits, random: visits.the_wall_clock_jumps(random.choice([-720, -1, 1, 720]))),
    (1, lambda visits, random: visits.the_process_is_killed()),
    (1, lambda visits, random: visits.a_ticket_is_revoked(number(random))),
    (1, lambda visits, random: random.random() < 0.3 and visits.the_link_is_renewed()),
    (
        1,
        lambda visits, random: visits.the_booking_changes(
            set(random.sample(VISIT.people, 2)), random.choice([UNIT, "SE1-EAR"])
        ),
    ),
]
ENDS: list[Move] = [
    lambda visits, random: visits.end(number(random)),
    lambda visits, random: visits.a_portal_closes_the_visit(random.choice([VisitState.ENDED, VisitState.CANCELLED])),
    lambda visits, random: visits.time_passes(4 * 3600.0),
]


def walk(seed: int, steps: int) -> Visits:
    """One visit from its beginning to its end. Raises AssertionError where something does not hold."""
    random = Random(seed)
    visits = Visits()
    visits.it_begins(meeting=random.random() < 0.75)
    weights, moves = zip(*MOVES, strict=True)
    for move in random.choices(moves, weights, k=steps):
        move(visits, random)
        visits.a_closed_visit_is_empty()
        visits.what_is_hushed_is_not_heard()
    random.choice(ENDS)(visits, random)
    visits.a_closed_visit_is_empty()
    return visits
