"""Watches the reader's loop at work, frame by frame, and gathers what there is to tell."""

from __future__ import annotations

import statistics
from array import array
from collections import Counter

from device.clock import NS
from device.links import EyesState
from device.reader.chain import Look
from device.reader.loop import Seen
from device.replay import movement, unread
from device.replay.findings import LOOKED, MOVING, UNREAD, Missed, Timeline, Totals
from device.replay.moment import Moment
from device.replay.movement import Movement
from device.replay.presentations import Presentations, appeared, left
from device.replay.thumbnails import Thumbnails
from device.replay.unread import Unread

NO_STAGE = 255


class Watch:
    """``see`` is the loop's ``observe``."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self.presentations = Presentations()
        self._thumbnails = thumbnails
        self._unread = Unread(thumbnails.crop)
        self._movement = Movement()
        self._noise: float | None = None  # of the last frame that told it
        self._start: Moment | None = None
        self._now: Moment | None = None
        self._looks_read: Counter[str] = Counter()
        self._looks = self._looks_unread = 0
        self._at_ns = array("q")
        self._flags, self._stage = bytearray(), bytearray()
        self._stages: dict[str, int] = {}
        self._eyes: list[tuple[int, EyesState]] = []
        self.size = (0, 0)

    @property
    def frames(self) -> int:
        return len(self._flags)

    @property
    def looks(self) -> int:
        return self._looks

    @property
    def seconds(self) -> float:
        return self._now.since_s(self._start) if self._now and self._start else 0.0

    def see(self, seen: Seen) -> None:
        """Take in what the loop made of one frame."""
        frame, change, look = seen.frame, seen.change, seen.look
        moment = self._now = Moment(len(self._flags), frame.number, frame.taken_ns)
        self._start = self._start or moment
        self.size = (frame.luma.shape[1], frame.luma.shape[0])
        self._noise = change.noise or self._noise
        self._movement.see(moment, change, frame.luma, found=bool(look and (look.readings or look.unread)))
        if look is not None:
            self._look(moment, seen, look)
        for track in left(seen.tracks):
            self.presentations.leave(track.id, moment)
        self._note(moment, seen)

    def end(self) -> None:
        """No frame comes any more. Codes that are in view have not left."""
        self._unread.end()
        self._movement.end()

    def missed(self) -> tuple[Missed, ...]:
        """In the order of time."""
        if self._start is None:
            return ()
        start = self._start
        found = [unread.missed_of(span, why, start) for span, why in self._unread.missed]
        return tuple(sorted((*found, *(movement.missed_of(each, start) for each in self._movement.missed)), key=lambda each: each.from_s))

    @property
    def start(self) -> Moment:
        return self._start or Moment(0, 0, 0)

    def totals(self, cpu_ns: array[int], broken: int) -> Totals:
        """``cpu_ns`` is the reader's time for each frame, ``broken`` the frames that could not be used."""
        milliseconds = sorted(each / 1e6 for each in cpu_ns) or [0.0]
        return Totals(
            frames=self.frames,
            broken=broken,
            seconds=round(self.seconds, 3),
            idle_share=round(1 - self._looks / max(self.frames, 1), 4),
            looks=self._looks,
            looks_read=dict(self._looks_read),
            looks_unread=self._looks_unread,
            looks_nothing=self._looks - self._looks_read.total() - self._looks_unread,
            cpu_mean_ms=round(statistics.fmean(milliseconds), 3),
            cpu_p95_ms=round(milliseconds[int(0.95 * (len(milliseconds) - 1))], 3),
            cpu_worst_ms=round(milliseconds[-1], 3),
        )

    def timeline(self) -> Timeline:
        start_ns = self.start.at_ns
        eyes = tuple(((at_ns - start_ns) / NS, state) for at_ns, state in self._eyes)
        return Timeline([(at_ns - start_ns) / NS for at_ns in self._at_ns], bytes(self._flags), bytes(self._stage), tuple(self._stages), eyes)

    def _look(self, moment: Moment, seen: Seen, look: Look) -> None:
        self._looks += 1
        if look.readings:
            self._looks_read[look.readings[0].stage] += 1
        elif look.unread:
            self._looks_unread += 1
        luma = seen.frame.luma
        self._thumbnails.read, self._thumbnails.unread = [reading.corners for reading in look.readings], look.unread
        claimed = {id(reading): self._unread.claim(reading.corners) for reading in look.readings}
        known_was_read = False
        for reading in look.readings:
            track = next((each for each in appeared(seen.tracks) if each.payload == reading.payload), None)
            if track is None or self.presentations.is_known(track):
                known_was_read = True
                continue
            onset, span = self._movement.onset, claimed[id(reading)]
            held = self.presentations.appear(track, moment, reading, luma, onset=onset, span=span, looks=self._looks)
            held.thumbnail = self._thumbnails.crop(luma, reading.corners)
        self.presentations.read(moment, look, looks=self._looks)
        if known_was_read:
            self._movement.read()
        strange = [corners for corners in look.unread if not self.presentations.owns(corners, moment)]
        self._unread.see(moment, strange, luma, looks_before=self._looks - 1, noise=self._noise)

    def _note(self, moment: Moment, seen: Seen) -> None:
        look = seen.look
        self._at_ns.append(moment.at_ns)
        self._flags.append(MOVING * seen.change.moved | LOOKED * (look is not None) | UNREAD * bool(look and look.unread and not look.readings))
        stage = look.readings[0].stage if look and look.readings else None
        self._stage.append(NO_STAGE if stage is None else self._stages.setdefault(stage, len(self._stages)))
        if not self._eyes or self._eyes[-1][1] is not seen.eyes:
            self._eyes.append((moment.at_ns, seen.eyes))
