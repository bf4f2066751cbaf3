"""Who speaks now, by the audio levels that senders tell (RFC 6464), steady enough to be looked at.

Somebody becomes the speaker by being loud for a while: at once where nobody speaks, and where somebody does, only by
being clearly louder, so that a cough or a "mm" takes the picture from nobody. Who falls silent stays the speaker
through the pauses of speech.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfu.ids import ParticipantId

SPEECH = 50
"""-dBov. Louder is speech; a quiet room is at 70 to 127, a voice near a microphone at 15 to 45."""
CLEARLY_LOUDER = 6.0
"""dB: twice the amplitude."""
ATTACK_SECONDS = 0.4
"""How long somebody must be louder than the speaker; shorter than this are sounds of assent."""
PAUSE_SECONDS = 2.0
"""How long a speaker may be silent; longer than this nobody speaks."""
SMOOTHING_SECONDS = 0.3
"""Time constant of the mean: about a syllable."""


@dataclass(slots=True)
class _Voice:
    level: float
    """Smoothed, in -dBov."""
    at: float
    """When `level` was last fed."""
    spoke_at: float
    """When it was last loud enough to be speech."""
    louder_since: float | None = None
    """Since when it has been clearly louder than the speaker."""


class Speakers:
    """The voices of one visit."""

    def __init__(self) -> None:
        self._voices: dict[ParticipantId, _Voice] = {}
        self._speaker: ParticipantId | None = None

    @property
    def speaker(self) -> ParticipantId | None:
        """Who speaks, as of the last call."""
        return self._speaker

    def heard(self, participant: ParticipantId, level: int, now: float) -> None:
        """The loudest level of a participant since the last time: 0 (loudest) to 127 (silence), -dBov."""
        voice = self._voices.get(participant)
        if voice is None:
            voice = self._voices[participant] = _Voice(127.0, now - SMOOTHING_SECONDS, float("-inf"))
        weight = min(1.0, (now - voice.at) / SMOOTHING_SECONDS)
        voice.level += (level - voice.level) * weight
        voice.at = now
        if voice.level < SPEECH:
            voice.spoke_at = now

    def gone(self, participant: ParticipantId) -> None:
        """Somebody has left."""
        self._voices.pop(participant, None)
        if self._speaker == participant:
            self._speaker = None

    def decide(self, now: float) -> ParticipantId | None:
        """Who speaks now; None for nobody. Call it when levels have come, and once more `PAUSE_SECONDS` after the last."""
        current = self._voices.get(self._speaker) if self._speaker is not None else None
        if current is None or now - current.spoke_at >= PAUSE_SECONDS:
            self._speaker, current = None, None
        challenger = self._loudest(now)
        if challenger is None:
            return self._speaker
        voice = self._voices[challenger]
        if current is None or (voice.louder_since is not None and now - voice.louder_since >= ATTACK_SECONDS):
            self._become(challenger)
        return self._speaker

    def _loudest(self, now: float) -> ParticipantId | None:
        """The loudest of those who speak and are not the speaker; notes since when each is clearly louder than the speaker."""
        current = self._voices.get(self._speaker) if self._speaker is not None else None
        # A speaker who pauses is as quiet as silence: whoever speaks then is louder.
        bar = 127.0 if current is None else current.level - CLEARLY_LOUDER
        loudest: ParticipantId | None = None
        for participant, voice in self._voices.items():
            speaks = voice.spoke_at == voice.at and now - voice.at < PAUSE_SECONDS
            if participant == self._speaker or not speaks or voice.level > bar:
                voice.louder_since = None
                continue
            if voice.louder_since is None:
                voice.louder_since = now
            if loudest is None or voice.level < self._voices[loudest].level:
                loudest = participant
        return loudest

    def _become(self, participant: ParticipantId) -> None:
        self._speaker = participant
        for voice in self._voices.values():
            voice.louder_since = None
