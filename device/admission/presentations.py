"""From codes in view to presentations: one person holding up one code until it leaves view.

The reader only says which codes it sees; here they become what is decided, each once:

* a credential is decided at once;
* two credentials of persons in one frame are one presentation, refused: one at a time (beside one that was decided and
  has been in view for ten seconds, the next is decided alone);
* a code that is no credential (payment code, luggage tag, poster) never blocks anybody: it waits a moment for a
  credential beside it, and is refused only if it stays alone;
* a code re-arms when it has left the view. A reader that was restarted gives the same code a new track: then the
  fingerprint of its payload says that it is the same presentation, unless the reader was away for long.

Time is passed in; nothing here decides who may pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from device.domain import Credential, NotACredential, Track, TrackState

ORPHAN_NS = 2_000_000_000
"""How long after a reader came back a code may be taken for one that its predecessor followed."""

AWAY_NS = 10_000_000_000
"""A reader is back within seconds: systemd waits for two, self-test and camera take the rest. The same code in the view of a
new reader after a longer absence is taken for a person who came again, since nobody saw whether it had left."""

STATIC_NS = 10_000_000_000
"""A credential in view for so long no longer makes others beside it wait: a copy that hangs on a wall or sticks to the machine
must not close the lane. What it costs: beside somebody who really holds a code up for longer, the next is not told *one at a
time* but decided alone. Each of them is still decided and recorded, once."""

IN_VIEW_MAX = 16


@dataclass(frozen=True, slots=True)
class Presentation:
    """What is to be decided: ``id`` is its first track's, ``tracks`` all that belong to it now."""

    id: str
    track: Track
    shown: Credential | NotACredential = field(repr=False)
    several: bool
    tracks: tuple[Track, ...] = field(repr=False)


@dataclass(slots=True)
class _Code:
    """One code in view; ``presentation`` is set once it belongs to one that was handed out."""

    track: Track
    shown: Credential | NotACredential
    since_ns: int
    presentation: str | None = None

    @property
    def is_person(self) -> bool:
        return isinstance(self.shown, Credential)


@dataclass(frozen=True, slots=True)
class Remembered:
    """A code that was decided before this process, or before the reader's restart.

    ``seen_ns`` is when this process last had it in view; ``None`` if that was before this process.
    """

    track_id: str
    presentation: str
    fingerprint: bytes
    seen_ns: int | None = None

    @property
    def reader_boot(self) -> str:
        return self.track_id.partition("-")[0]


class Presentations:
    def __init__(
        self,
        *,
        read: Callable[[bytes], Credential | NotACredential],
        fingerprint: Callable[[bytes], bytes],
        settle_ns: int,
        remembered: Iterable[Remembered] = (),
    ) -> None:
        self._read = read
        self._fingerprint = fingerprint
        self._settle_ns = settle_ns
        self._codes: dict[str, _Code] = {}
        self._looked_ns = 0  # when the last view came: the codes in it were in view then
        self._orphans = {each.track_id: each for each in remembered}
        self._orphans_until_ns: int | None = None

    # --- what the reader says ----------------------------------------------------------------------------------

    def look(self, tracks: Iterable[Track], now_ns: int) -> list[Presentation]:
        """The codes in view now; answers with the presentations that are to be decided now."""
        self._forget_orphans(now_ns)
        self._looked_ns = now_ns
        in_view = {track.id: track for track in tracks}
        gone = [code for id_, code in self._codes.items() if id_ not in in_view or in_view[id_].state is TrackState.LEFT]
        for track in in_view.values():
            if track.state is not TrackState.LEFT:
                self._see(track, now_ns)
        ready = self._persons(now_ns, gone) + self._alone(now_ns, gone)
        for code in gone:
            self._codes.pop(code.track.id, None)
        return ready

    def reader_lost(self) -> None:
        """The reader went away: its codes wait for a successor that sees them again."""
        for code in self._codes.values():
            if code.presentation is not None:
                known = Remembered(code.track.id, code.presentation, self._fingerprint(code.track.payload), self._looked_ns)
                self._orphans[known.track_id] = known
        self._codes.clear()
        self._orphans_until_ns = None

    def due(self, now_ns: int) -> list[Presentation]:
        """Codes that have waited long enough for a credential beside them."""
        return self._alone(now_ns, [])

    def next_due_ns(self) -> int | None:
        waiting = [code.since_ns + self._settle_ns for code in self._codes.values() if code.presentation is None and not code.is_person]
        return min(waiting, default=None)

    def take_back(self, presentation: Presentation, now_ns: int) -> None:
        """It could not be recorded, so nothing was decided: a code that is still in view will be offered again."""
        for code in self._codes.values():
            if code.presentation == presentation.id:
                code.presentation, code.since_ns = None, now_ns

    # --- how it is found ---------------------------------------------------------------------------------------

    def _see(self, track: Track, now_ns: int) -> None:
        if track.id in self._codes:
            self._codes[track.id].track = track
            return
        if len(self._codes) >= IN_VIEW_MAX:
            return
        known = self._recall(track, now_ns)
        self._codes[track.id] = _Code(track, self._read(track.payload), now_ns, known.presentation if known else None)

    def _recall(self, track: Track, now_ns: int) -> Remembered | None:
        """Was this very code decided already, by another life of this process or for another life of the reader?

        A reader that lived on is believed: its new track is a new presentation, whatever the payload. A new reader is asked for
        the payload, unless the code was out of sight for too long.
        """
        if track.id in self._orphans:
            return self._orphans.pop(track.id)
        fingerprint = self._fingerprint(track.payload)
        boot = track.id.partition("-")[0]
        for id_, known in self._orphans.items():
            recent = known.seen_ns is None or now_ns - known.seen_ns <= AWAY_NS
            if recent and known.fingerprint == fingerprint and known.reader_boot != boot:
                return self._orphans.pop(id_)
        return None

    def _forget_orphans(self, now_ns: int) -> None:
        if self._orphans_until_ns is None:
            self._orphans_until_ns = now_ns + ORPHAN_NS
        elif now_ns >= self._orphans_until_ns:
            self._orphans.clear()

    def _persons(self, now_ns: int, gone: list[_Code]) -> list[Presentation]:
        new = [code for code in self._codes.values() if code.is_person and code.presentation is None and code not in gone]
        if not new:
            return []
        newest_frame_ns = max(code.track.last_seen_ns for code in new)
        settled = [code for code in self._codes.values() if code.is_person and code.presentation and now_ns < code.since_ns + STATIC_NS]
        beside = [code for code in settled if code.track.last_seen_ns >= newest_frame_ns]
        return [self._present(new, several=len(new) > 1 or len(beside) > 0)]

    def _alone(self, now_ns: int, gone: list[_Code]) -> list[Presentation]:
        """Codes that are no credential: one seen together with a person's code belongs to it, else its time runs out."""
        waiting = [code for code in self._codes.values() if not code.is_person and code.presentation is None]
        for code in waiting:
            code.presentation = next((person.presentation for person in self._codes.values() if _seen_beside(person, code)), None)
        alone = [code for code in waiting if code.presentation is None]
        due = [code for code in alone if code in gone or now_ns >= code.since_ns + self._settle_ns]
        return [self._present(alone, several=False)] if due else []

    def _present(self, codes: list[_Code], *, several: bool) -> Presentation:
        first = codes[0]
        for code in codes:
            code.presentation = first.track.id
        return Presentation(first.track.id, first.track, first.shown, several, tuple(code.track for code in codes))


def _seen_beside(person: _Code, code: _Code) -> bool:
    """Was the person's code still read when ``code`` was? A track outlives its last read by a moment."""
    return person.is_person and person.presentation is not None and person.track.last_seen_ns >= code.track.frame_ns
