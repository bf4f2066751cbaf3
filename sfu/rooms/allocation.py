"""What one receiver gets of the pictures that it shows, when its way down does not take all of them.

Everything is asked of pure functions: what is wanted (`Demand`), what comes (`Layer`), what the way takes (bits per second), and
the time. In this order:

1. a pinned signer's picture at 20 frames a second, since below that signing cannot be followed (ITU-T H-series supplement 1);
2. every other picture at its lowest: screens, pinned cameras, then by the view's priority, who speaks first;
3. what is left makes them better in the same order, those that are alike in turns.

So a picture gives what `ladders` says that it loses first, and is paused last.

Down is at once. Up is by one resolution at a time, needs head room, and needs to have been possible for some seconds: longer each
time that it did not last. An estimate also falls for a moment, by a key frame that fills the queue before the bottleneck: so a little
more than it allows is lent for a moment, to what has just got better, and to what else would be paused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from sfu.ids import TrackId
from sfu.rooms.ladders import AS_GOOD_AS, SIGNING_FRAME_RATE, Demand, Layer, Wish, ladder, place

HEAD_ROOM = 1.15
"""What is measured of a layer is a mean; a key frame or a busy scene is more."""
PATIENCE = 3.0
"""Seconds for which more must have been possible before it is given."""
LEAST_STAY = 10.0
"""Seconds. What was given and is lost again sooner was not there: the next time it takes twice the patience."""
MOST_PATIENCE = 30.0
"""Seconds. A picture that is smaller than it could be is less of a nuisance than one that changes all the time."""
RESUME_SHARE, RESUME_PATIENCE = 1 / 3, 6.0
"""Of the patience, and seconds at most, for a picture that is paused: to see somebody comes before steadiness."""
LENT_TO_BETTER, LENT_TO_BETTER_SECONDS = 1.6, 0.8
"""Times the estimate, at most, to what has just got better. By a moment's delay the estimate falls to 0.85 of what arrived
(draft-ietf-rmcat-gcc-02, 5.5), part of which was still the layer below."""
LENT_TO_LEAST, LENT_TO_LEAST_SECONDS = 1.3, 2.0
"""Times the estimate, at most, to what would be paused. Of both no more than half a second queues up (sfu.rtp.bandwidth.allowance)."""
PAUSED = -1
"""The spatial layer of a picture that is not sent."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a receiver gets of one picture."""

    spatial: int
    """`PAUSED`: nothing."""
    temporal: int
    limited: bool
    """The way down would not take more; without it this is all that was wanted."""
    wish: Wish
    rising_since: float | None = None
    """Since when more has been possible, with head room."""
    precedence: int = 0
    """How many kinds of pictures are served before it: those that are alike have the same."""

    @property
    def paused(self) -> bool:
        return self.spatial == PAUSED


@dataclass(frozen=True, slots=True)
class Allotment:
    """What one receiver gets of everything, and what has to be remembered to keep it steady."""

    grants: Mapping[TrackId, Grant] = field(default_factory=dict)
    patience: float = PATIENCE
    """Seconds."""
    rose_at: float = float("-inf")
    """When a picture was last made better by more bandwidth."""
    lent_until: float | None = None
    """While more is given than the estimate allows; None where it is not."""
    short_since: float | None = None
    """Since when something would have been paused but for that."""
    demands: Sequence[Demand] = ()
    """What it was made of, with what follows: of the same comes the same."""
    estimate: float | None = None
    sound: float = 0.0

    def patience_for(self, grant: Grant) -> float:
        return min(self.patience * RESUME_SHARE, RESUME_PATIENCE) if grant.paused else self.patience

    def next_timer(self) -> float | None:
        """When a picture may be made better, if nothing happens until then."""
        due = [
            grant.rising_since + self.patience_for(grant)
            for grant in self.grants.values()
            if grant.rising_since is not None
        ]
        if self.lent_until is not None:
            due.append(self.lent_until)
        return min(due, default=None)


NOTHING = Allotment()


def share(
    demands: Iterable[Demand],
    ladders: Mapping[TrackId, Sequence[Layer]],
    bits_per_second: float,
    most: Mapping[TrackId, int],
) -> dict[TrackId, int]:
    """The step of its ladder for each picture, `PAUSED` for none, such that all together take no more than `bits_per_second`.

    `most` are steps above which a picture is not to get, where it stands there.
    """
    ranked = sorted(demands, key=lambda demand: demand.rank)
    left = bits_per_second
    steps: dict[TrackId, int] = {}
    for demand in sorted(ranked, key=_served):
        track = demand.track
        rungs = ladders[track]
        step = min(_floor(demand, rungs), most.get(track, len(rungs)))
        while step > PAUSED and rungs[step].bits_per_second > left:
            step -= 1
        steps[track] = step
        left -= rungs[step].bits_per_second if step > PAUSED else 0
    for _, alike in groupby(ranked, key=lambda demand: demand.rank):
        rising = [demand.track for demand in alike if steps[demand.track] > PAUSED]
        while rising:
            rose = []
            for track in rising:
                rungs, step = ladders[track], steps[track] + 1
                if step >= len(rungs) or step > most.get(track, step):
                    continue
                more = rungs[step].bits_per_second - rungs[step - 1].bits_per_second
                if more <= left:
                    left -= more
                    steps[track] = step
                    rose.append(track)
            rising = rose
    return steps


def allot(
    demands: Sequence[Demand],
    estimate: float | None,
    before: Allotment,
    now: float,
    *,
    sound: float = 0.0,
    made: dict[tuple[TrackId, Wish], list[Layer]] | None = None,
) -> Allotment:
    """What a receiver gets from now on.

    `estimate` is what its way takes, in bits per second, and None while that is not known; of it `sound` is set aside. `made` keeps ladders
    for other receivers of the same pictures.
    """
    if demands == before.demands and (estimate, sound) == (before.estimate, before.sound):
        due = before.next_timer()
        if due is None or now < due:
            return before
    ladders = _ladders(demands, {} if made is None else made)
    if estimate is None:
        steps = {track: len(rungs) - 1 for track, rungs in ladders.items()}
        return Allotment(_granted(demands, ladders, steps, {}), demands=demands, sound=sound)
    safe = share(demands, ladders, max(0.0, estimate - sound) / HEAD_ROOM, {})
    most: dict[TrackId, int] = {}
    rising: dict[TrackId, int] = {}
    since: dict[TrackId, float] = {}
    for demand in demands:
        held = before.grants.get(demand.track)
        if held is None or not held.limited or held.wish != demand.wish:
            continue
        step = _step_of(held, ladders[demand.track])
        most[demand.track] = step
        if safe[demand.track] > step:
            began = now if held.rising_since is None else held.rising_since
            if now >= began + before.patience_for(held):
                rising[demand.track] = step
                most[demand.track] = min(safe[demand.track], _next_step(step, ladders[demand.track]))
            else:
                since[demand.track] = began
    steps = share(demands, ladders, max(0.0, estimate - sound), most)
    lent, until, short_since = _lent(demands, ladders, steps, before, estimate, sound, now)
    if lent:
        steps = share(demands, ladders, lent, most)
    since |= {track: now for track, step in rising.items() if safe[track] > steps[track] > step}
    grants = _granted(demands, ladders, steps, since)
    patience, rose_at = _patience(grants, before, now)
    return Allotment(grants, patience, rose_at, until, short_since, demands, estimate, sound)


def _lent(
    demands: Iterable[Demand],
    ladders: Mapping[TrackId, Sequence[Layer]],
    steps: Mapping[TrackId, int],
    before: Allotment,
    estimate: float,
    sound: float,
    now: float,
) -> tuple[float, float | None, float | None]:
    """What pictures get for a moment although it is more than the way takes, in bits per second; 0 where nothing is lent.

    Also until when, and since when something would have been paused.
    """
    shown = {
        demand.track: step
        for demand in demands
        if (held := before.grants.get(demand.track)) is not None
        and (step := _step_of(held, ladders[demand.track])) > PAUSED
        and ladders[demand.track]
    }
    begin = before.rose_at
    kept = sum(ladders[track][step].bits_per_second for track, step in shown.items())
    if now < begin + LENT_TO_BETTER_SECONDS and estimate < kept + sound <= estimate * LENT_TO_BETTER:
        return kept, begin + LENT_TO_BETTER_SECONDS, before.short_since
    if all(steps[track] > PAUSED for track in shown):
        return 0.0, None, None
    begin = now if before.short_since is None else before.short_since
    least = sum(
        ladders[demand.track][min(shown[demand.track], _floor(demand, ladders[demand.track]))].bits_per_second
        for demand in demands
        if demand.track in shown
    )
    if now < begin + LENT_TO_LEAST_SECONDS and estimate < least + sound <= estimate * LENT_TO_LEAST:
        return least, begin + LENT_TO_LEAST_SECONDS, begin
    return 0.0, None, None


def _ladders(demands: Iterable[Demand], made: dict[tuple[TrackId, Wish], list[Layer]]) -> dict[TrackId, list[Layer]]:
    ladders = {}
    for demand in demands:
        key = demand.track, demand.wish
        if key not in made:
            made[key] = ladder(demand)
        ladders[demand.track] = made[key]
    return ladders


def _patience(grants: Mapping[TrackId, Grant], before: Allotment, now: float) -> tuple[float, float]:
    """Better than before by more bandwidth, or worse again: whether that lasted decides how patient the next time is.

    Gives the patience, and when a picture was last made better.
    """
    rose_at, patience = before.rose_at, before.patience
    lasted = now >= rose_at + LEAST_STAY
    if lasted and rose_at > float("-inf"):
        patience = PATIENCE
    compared = [
        (_height(held), _height(grant))
        for track, grant in grants.items()
        if (held := before.grants.get(track)) is not None
        and held.wish == grant.wish
        and (held.limited or grant.limited)
    ]
    if any(then > after for then, after in compared):
        if not lasted:
            patience, rose_at = min(patience * 2, MOST_PATIENCE), float("-inf")
    elif any(then < after for then, after in compared):
        rose_at = now
    return patience, rose_at


def _granted(
    demands: Iterable[Demand],
    ladders: Mapping[TrackId, list[Layer]],
    steps: Mapping[TrackId, int],
    since: Mapping[TrackId, float],
) -> dict[TrackId, Grant]:
    grants = {}
    order = _order(demands)
    for demand in demands:
        track = demand.track
        rungs, step = ladders[track], steps[track]
        if not rungs:
            continue  # nothing comes: nothing to choose from, and nothing that is held back
        layer = rungs[step] if step > PAUSED else None
        grants[track] = Grant(
            layer.spatial if layer else PAUSED,
            layer.temporal if layer else 0,
            step < len(rungs) - 1,
            demand.wish,
            since.get(track),
            order[_served(demand)],
        )
    return grants


def _served(demand: Demand) -> tuple[bool, tuple[bool, bool, int, bool]]:
    """The lower, the later it gives: a pinned signer after all others, screens among them."""
    return not demand.wish.pinned, demand.rank


def _order(demands: Iterable[Demand]) -> dict[tuple[bool, tuple[bool, bool, int, bool]], int]:
    return {served: precedence for precedence, served in enumerate(sorted({_served(demand) for demand in demands}))}


def _floor(demand: Demand, rungs: Sequence[Layer]) -> int:
    """The step that a picture keeps while others can give."""
    if not demand.wish.pinned or not rungs:
        return min(0, len(rungs) - 1)
    fluent = min(SIGNING_FRAME_RATE, AS_GOOD_AS * max(layer.frame_rate for layer in rungs))
    return next(step for step, layer in enumerate(rungs) if layer.frame_rate >= fluent)


def _step_of(held: Grant, rungs: Sequence[Layer]) -> int:
    """The step of a ladder that is no better than what was given; the lowest where that has gone."""
    if held.paused:
        return PAUSED
    below = [step for step, layer in enumerate(rungs) if place(layer) <= (held.spatial, held.temporal)]
    return max(below, default=0)


def _next_step(step: int, rungs: Sequence[Layer]) -> int:
    """How far a picture may get better at once: to the lowest, to all of its frames, or to the next resolution."""
    if step == PAUSED:
        return 0
    alike = [above for above in range(step + 1, len(rungs)) if rungs[above].spatial == rungs[step].spatial]
    return max(alike, default=step + 1)


def _height(grant: Grant) -> tuple[int, int]:
    return grant.spatial, grant.temporal
