"""Who speaks: at once where nobody does, steadily where somebody does."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sfu.ids import ParticipantId
from sfu.rooms.speaker import PAUSE_SECONDS, Speakers

ANA, BEN = ParticipantId("p_ana"), ParticipantId("p_ben")
TICK = 0.1  # seconds between reports
QUIET, VOICE, LOUD = 90, 40, 25


class Talk:
    """Plays levels, a tick at a time, and keeps who was the speaker after each."""

    def __init__(self) -> None:
        self.speakers = Speakers()
        self.now = 100.0
        self.history: list[ParticipantId | None] = []

    def play(self, seconds: float, **levels: int) -> ParticipantId | None:
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            for name, level in levels.items():
                self.speakers.heard(ParticipantId(f"p_{name}"), level, self.now)
            self.history.append(self.speakers.decide(self.now))
        return self.history[-1]


def test_where_nobody_speaks_the_first_voice_is_the_speaker_within_a_syllable() -> None:
    talk = Talk()
    assert talk.play(1.0, ana=QUIET, ben=QUIET) is None
    assert talk.play(0.5, ana=VOICE, ben=QUIET) == ANA


def test_a_cough_takes_the_picture_from_nobody() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE, ben=QUIET)
    talk.play(0.3, ana=VOICE, ben=LOUD)
    talk.play(1.0, ana=VOICE, ben=QUIET)
    assert set(talk.history[5:]) == {ANA}


def test_an_equal_voice_does_not_interrupt() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE, ben=QUIET)
    assert talk.play(5.0, ana=VOICE, ben=VOICE) == ANA


def test_a_clearly_louder_voice_takes_over_after_a_while() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE, ben=QUIET)
    assert talk.play(1.0, ana=VOICE, ben=LOUD) == BEN


def test_the_other_takes_over_in_a_pause() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE, ben=QUIET)
    assert talk.play(1.5, ana=QUIET, ben=VOICE) == BEN


def test_a_pause_in_speech_changes_nothing_and_a_long_one_leaves_nobody() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE, ben=QUIET)
    assert talk.play(PAUSE_SECONDS - 0.5, ana=QUIET, ben=QUIET) == ANA
    assert talk.play(1.0, ana=QUIET, ben=QUIET) is None


def test_a_microphone_that_goes_dead_stops_being_the_speaker() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE)
    assert talk.play(PAUSE_SECONDS + TICK) is None


def test_who_leaves_speaks_no_more() -> None:
    talk = Talk()
    talk.play(1.0, ana=VOICE, ben=VOICE)
    talk.speakers.gone(ANA)
    assert talk.speakers.speaker != ANA
    assert talk.play(0.5, ben=VOICE) == BEN


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), max_size=80))
def test_the_speaker_is_always_somebody_who_was_heard_to_speak(levels: list[tuple[int, int]]) -> None:
    talk = Talk()
    spoke: set[ParticipantId | None] = {None}
    for ana, ben in levels:
        spoke |= {who for who, level in ((ANA, ana), (BEN, ben)) if level < 64}
        assert talk.play(TICK, ana=ana, ben=ben) in spoke


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), min_size=20, max_size=120))
def test_the_picture_changes_hands_at_most_once_in_the_attack_time(levels: list[tuple[int, int]]) -> None:
    talk = Talk()
    for ana, ben in levels:
        talk.play(TICK, ana=ana, ben=ben)
    changes = [
        index
        for index in range(1, len(talk.history))
        if None not in (talk.history[index], talk.history[index - 1]) and talk.history[index] != talk.history[index - 1]
    ]
    assert all(later - earlier >= 4 for earlier, later in pairwise(changes))
