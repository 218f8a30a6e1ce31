"""From the fire contact that opens to the free relay's contact, through the real gate process, while everything else goes on at once.

The gate decides and commits, on a disk that stalls for two seconds again and again; it gives a backlog away and swaps a list of
a million; a reader decodes beside it as fast as it can. Both moments are taken inside the gate's process, at its (mock) pins, so
the 10 ms for which a contact must keep its level until it is believed are part of what is told.

Each trial opens the contact, closes it, and turns the key once the gate must have believed that.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from device.admission.lists import ENTRIES_MAX
from device.gate.list_key import LIST_KEY
from device.turnstile.contacts import TIMES
from device.turnstile.lane import Sensor
from tests.bench.figures import NS_PER_MS, Figures, Progress
from tests.bench.full_load import FullLoad, Load, fill
from tests.bench.stalled_disk import StalledDisk, open_disk
from tests.gates import Gate
from tests.lists import Province
from tests.played_pins import PlayedPins
from tests.soak import film
from tests.soak.trial import reading

FREE_PIN = 27
SEED = 3
REST_S = (0.1, 0.5)
"""A lane that serves, before each trial: somebody may be on his way through."""

STALLED_SHARE_MIN = 0.15
MEMORY = Path("/dev/shm")
"""The gate's runtime folder lies in memory, as /run does."""

PROGRESS_EVERY = 10
MS_PER_S = 1e3


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of everything. Pictures are those of the reader beside it."""

    trials: int = 100
    entries: int = ENTRIES_MAX
    backlog: int = 150_000  # more than is drained meanwhile
    width: int = film.WIDTH
    height: int = film.HEIGHT


@dataclass(frozen=True, slots=True)
class Trial:
    opened_ns: int
    freed_ns: int

    @property
    def took_ms(self) -> float:
        return (self.freed_ns - self.opened_ns) / NS_PER_MS

    def fell_into(self, spans: Iterable[tuple[int, int]]) -> bool:
        return any(begin <= self.opened_ns < end for begin, end in spans)


@dataclass(frozen=True, slots=True)
class Outcome:
    trials: Sequence[Trial]
    stalls: Sequence[tuple[int, int]]
    swaps: Sequence[tuple[int, int]]
    load: Load

    @property
    def stalled(self) -> list[float]:
        """What the trials took that fell into a stall of the disk."""
        return [trial.took_ms for trial in self.trials if trial.fell_into(self.stalls)]

    @property
    def running(self) -> list[float]:
        """What the others took."""
        return [trial.took_ms for trial in self.trials if not trial.fell_into(self.stalls)]

    @property
    def swapping(self) -> list[float]:
        """What those took that fell into the proving and swapping of a list."""
        return [trial.took_ms for trial in self.trials if trial.fell_into(self.swaps)]

    def doubts(self) -> list[str]:
        doubts = self.load.doubts()
        if len(self.stalled) < STALLED_SHARE_MIN * len(self.trials):
            doubts.append(f"{len(self.stalled)} of {len(self.trials)} trials fell into a stall of the disk")
        return doubts


def measure(_base: int, progress: Progress) -> Figures:
    """Raises RuntimeError where the gate was not loaded as it should have been."""
    outcome = run(Shape(), progress)
    if doubts := outcome.doubts():
        raise RuntimeError(f"the gate was not under full load: {'; '.join(doubts)}")
    return figures(outcome)


def figures(outcome: Outcome) -> Figures:
    took = [trial.took_ms for trial in outcome.trials]
    return {
        "fire_to_open_p50": (median(took), "ms"),
        "fire_to_open_p99": (quantiles(took, n=100, method="inclusive")[98], "ms"),
        "fire_to_open_max": (max(took), "ms"),
        "fire_to_open_stalled_max": (max(outcome.stalled, default=0.0), "ms"),
        "fire_to_open_running_max": (max(outcome.running, default=0.0), "ms"),
        "fire_to_open_swapping_max": (max(outcome.swapping, default=0.0), "ms"),
        "fire_trials_stalled": (len(outcome.stalled), f"of {len(took)} trials"),
        "fire_load_frames": (outcome.load.frames / outcome.load.lasted_s, "frames/s"),
        "fire_load_decisions": (outcome.load.decisions, "decisions"),
        "fire_load_confirmed": (outcome.load.confirmed, "events"),
        "fire_load_swaps": (outcome.load.swaps, "lists"),
        "fire_load_longest_commit": (outcome.load.longest_commit_ms, "ms"),
    }


def run(shape: Shape, progress: Progress) -> Outcome:
    with (
        tempfile.TemporaryDirectory(prefix="qrgate-bench-") as name,
        tempfile.TemporaryDirectory(prefix="qrgate-bench-", dir=MEMORY) as memory,
        closing(open_disk(Path(name), progress)) as disk,
        reading(Path(name) / "beside", width=shape.width, height=shape.height) as (_, ear),
    ):
        gate = _gate(Path(memory) / "gate", disk, shape)
        load = FullLoad(gate, disk, ear, backlog=shape.backlog, entries=shape.entries)
        with _running(gate, Path(memory) / "gate.log") as played, load:
            trials = [*_trials(played, load, shape.trials, progress)]
        outcome = Outcome(trials, load.stalls, load.swaps, load.told())
    progress(f"fire: {outcome.load}")
    for phase, took in (("disk stalled", outcome.stalled), ("disk well", outcome.running), ("list swapped", outcome.swapping)):
        if took:
            progress(f"fire: {phase}: {len(took)} trials, median {median(took):.1f} ms, at most {max(took):.1f} ms")
    return outcome


def _gate(folder: Path, disk: StalledDisk, shape: Shape) -> Gate:
    office = Province()
    lines = {
        "paths.state": f'"{disk.state}"',
        "lamps.green_pin": "22",
        "lamps.red_pin": "23",
        "buzzer.pin": "24",
        "free_relay.pin": str(FREE_PIN),
        "inputs.fire_pin": "5",
        "inputs.break_glass_pin": "6",
        "inputs.key_reset_pin": "13",
    }
    gate = Gate(folder, lines)
    with (folder / "site.toml").open("a", encoding="utf-8") as site:
        site.write(f'[bundles]\npublic_key = "{office.recipient.public_key.hex()}"\n')
    (folder / LIST_KEY).write_text(office.list_key.hex() + "\n", encoding="ascii")
    fill(disk.state, shape.backlog)
    return gate


@contextmanager
def _running(gate: Gate, log: Path) -> Iterator[PlayedPins]:
    played = PlayedPins(gate)
    with log.open("w", encoding="utf-8") as errors:
        played.start(stderr=errors)
        try:
            gate.connect("uplink").close()  # it listens
            yield played
        finally:
            played.stop()


def _trials(played: PlayedPins, load: FullLoad, trials: int, progress: Progress) -> Iterator[Trial]:
    rests = random.Random(SEED)
    for number in range(1, trials + 1):
        time.sleep(rests.uniform(*REST_S))
        opened_ns = played.move(Sensor.FIRE, closed=False)
        trial = Trial(opened_ns, played.await_level(FREE_PIN, high=True, after_ns=opened_ns))
        _reset(played)
        load.check()
        if number % PROGRESS_EVERY == 0:
            progress(f"fire: {number} of {trials}, the last {trial.took_ms:.1f} ms")
        yield trial


def _reset(played: PlayedPins) -> None:
    """Close the contact and turn the key; from then on the lane serves again."""
    played.move(Sensor.FIRE, closed=True)
    time.sleep(TIMES[Sensor.FIRE].ends_ms / MS_PER_S)  # nothing tells when that is believed
    turned_ns = played.move(Sensor.KEY_RESET, closed=True)
    played.await_level(FREE_PIN, high=False, after_ns=turned_ns)
    played.move(Sensor.KEY_RESET, closed=False)
