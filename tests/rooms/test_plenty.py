from __future__ import annotations

import random
from dataclasses import replace

from sfu.ids import ParticipantId
from sfu.rooms.events import Measured
from sfu.rooms.plenty import Coming, is_plenty
from tests.rooms.simulcast import RATES, SIMULCAST, SIZES, layers
from tests.rooms.test_pictures import RIDS, Meeting


def test_measurements_that_leave_everybody_all_they_want_change_nothing() -> None:
    meeting = Meeting()
    rng = random.Random(7)
    for who in (meeting.eva, meeting.per, meeting.amina):
        meeting.comes(who)
    meeting.shows(meeting.eva, meeting.amina, *SIZES[1])
    plenty = 0
    for _ in range(400):
        estimates = {meeting.eva: rng.randrange(200_000, 8_000_000), meeting.per: rng.randrange(200_000, 8_000_000)}
        louder = rng.uniform(0.3, 3.0)
        slower = rng.choice([1.0, 1.0, 0.95, 0.5])
        what = tuple(
            replace(layer, frame_rate=layer.frame_rate * slower + rng.choice([-1.0, 0.0, 0.0, 1.0]))
            for layer in layers([[round(rate * louder) for rate in rates] for rates in RATES])
        )
        event = Measured(
            {who: bits for who, bits in estimates.items() if rng.random() < 0.4},
            {meeting.camera(meeting.amina): (what, RIDS)} if rng.random() < 0.5 else {},
        )
        calm = is_plenty(meeting.room.pictures, event.estimates, event.coming)
        meeting.do(event)
        assert meeting.last is not None
        if calm:
            plenty += 1
            assert meeting.last.commands == ()
    assert 20 < plenty < 380, "both have been tried"


def test_what_lacks_something_is_not_plenty() -> None:
    meeting = Meeting()
    camera = meeting.camera(meeting.amina)

    def plenty(estimates: dict[ParticipantId, int], coming: Coming) -> bool:
        return is_plenty(meeting.room.pictures, estimates, coming)

    assert not plenty({meeting.eva: 9_000_000}, {}), "the first that is known of a way"
    assert not plenty({}, {camera: (SIMULCAST, RIDS)}), "a picture that has begun to come"
    meeting.comes(meeting.amina)
    meeting.takes(meeting.eva, 3_000)
    assert plenty({meeting.eva: 4_000_000}, {})
    assert not plenty({meeting.eva: 2_900_000}, {}), "less than was known"
    assert plenty({}, {camera: (layers([(60, 100, 150), (200, 350, 500), (700, 1200, 1800)]), RIDS)})
    livelier = layers([(60, 100, 150), (200, 350, 500), (900, 1800, 2700)])
    assert not plenty({}, {camera: (livelier, RIDS)}), "too much for the way, with head room"
    assert not plenty({}, {camera: (SIMULCAST[:6], RIDS)}), "a layer less"
    counted = tuple(replace(layer, frame_rate=layer.frame_rate + 1) for layer in SIMULCAST)
    assert plenty({}, {camera: (counted, RIDS)}), "in a window of a second a frame more is none"
    slower = tuple(replace(layer, frame_rate=layer.frame_rate / 2) for layer in SIMULCAST)
    assert not plenty({}, {camera: (slower, RIDS)}), "half the frames"
    meeting.takes(meeting.eva, 400)
    assert not plenty({meeting.eva: 5_000_000}, {}), "who lacks something does not wait"
