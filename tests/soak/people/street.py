"""A gate with its province as real processes, a turnstile at its pins, and the people of a plan before it, in real time."""

from __future__ import annotations

import heapq
import sqlite3
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Self

from device.clock import NS, monotonic_ns
from device.demo.processes import end, environment
from device.demo.province import Province
from device.domain import Track
from device.gate.lane_wait import LANE_WAIT_NS
from device.links import EyesState, ReaderState, View
from device.turnstile.lane import Sensor
from tests.offices import OfficeGate
from tests.played_pins import Edge, PlayedPins
from tests.soak.people.crowd import ISSUER, Forcing, Held, Manner, Pace, Plan, Showing
from tests.soak.people.tripod import Tripod
from tests.soak.people.verdict import Evidence

RELAY_PIN = 17
TURN_S = 0.02
HEARTBEAT_NS = NS // 2
"""As the reader itself repeats a view that does not change, and twice as often as it says how it is."""
QUIET_NS = LANE_WAIT_NS + NS // 2
"""After the last code, whoever waited for the lane has been let in or sent away."""
AFTER_FORCING_NS = NS // 2
SETTLED_WITHIN_S = 60.0
OVERLOOKED = "shown again, and overlooked"


class LaidOutGate(OfficeGate):
    """As ``Province`` lays it out."""

    @property
    def runtime(self) -> Path:
        return self.folder.parents[1] / "run"


class Watched(PlayedPins):
    def edges_since(self, number: int) -> list[Edge]:
        """Those that came after the first ``number`` of all pins."""
        with self._told:
            return self._edges[number:]


class Street:
    """Within ``with`` everything runs. The reader's end of its link is played here, and so are the contacts of the turnstile."""

    def __init__(self, folder: Path, pace: Pace, *, seed: int) -> None:
        self._pace = pace
        self._rearms = True
        self._closing = ExitStack()
        self._folder = folder
        options = (
            *("pins.factory=mock", "reader.source=folder", "reader.path=pictures", "clock.source=system"),
            *(f"relay.pin={RELAY_PIN}", f"relay.pulse_s={pace.pulse_s}", f"relay.max_on_s={pace.max_on_s}"),
            *(f"passage.wait_s={pace.unlocked_s}", f"policy.settle_s={pace.settle_s}"),
        )
        self._province = Province(folder / "province", options, issuer_seed=bytes([ISSUER.seed]) * 32)
        self.gate = LaidOutGate(self._province.layout.gate)
        self._pins = Watched(self.gate)
        self._tripod = Tripod(pace, seed=seed)
        self._due: list[tuple[int, int, Callable[[], object]]] = []  # a heap of what is to happen, and when
        self._number = count()
        self._in_view: dict[int, Track] = {}  # by the number of what is held up
        self._view_changed = False
        self._told_ns = self._state_ns = self._last_code_ns = 0
        self._edges_seen = 0
        self.shown: list[str] = []
        self.behind_s = 0.0  # the longest that anybody had to queue for the code's place
        self._forced_ns: list[int] = []

    def __enter__(self) -> Self:
        with ExitStack() as closing_early:
            closing_early.enter_context(self._closing)
            self._closing.enter_context(self._province)
            errors = self._closing.enter_context((self._folder / "gate.log").open("w", encoding="utf-8"))
            self._pins.start(stderr=errors)
            self._closing.callback(self._pins.stop)
            self._reader = self._closing.enter_context(closing(self.gate.connect("reader")))
            self._start_uplink()
            self._await_confirmed()  # the uplink has its session, the recorder its first event
            closing_early.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def process_id(self) -> int:
        """Of the gate."""
        assert self.gate.process is not None
        return self.gate.process.pid

    def _start_uplink(self) -> None:
        log = self._closing.enter_context((self._folder / "uplink.log").open("wb"))
        command = [sys.executable, "-m", "device", "run", "uplink", "--settings", str(self.gate.folder)]
        uplink = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment())
        self._closing.callback(end, uplink)

    # --- real time ---------------------------------------------------------------------------------------------

    def play(self, plan: Plan, look: Callable[[float], None] = lambda _at_s: None, *, rearms: bool = True) -> None:
        """Let everybody of ``plan`` come and go; ``look`` is called each turn with the seconds since the start.

        With ``rearms`` false the reader overlooks that a code has left which is shown again: a fault that must be found.
        """
        self._rearms = rearms
        started_ns = monotonic_ns()
        coming, place_free_ns = deque(plan), started_ns
        while coming or self._in_view or self._due or monotonic_ns() < self._quiet_ns():
            now_ns = monotonic_ns()
            if coming and now_ns >= max(started_ns + int(coming[0].at_s * NS), place_free_ns) and not self._in_view:
                match coming[0]:
                    case Showing() as showing:
                        self.behind_s = max(self.behind_s, (now_ns - started_ns) / NS - showing.at_s)
                        self._show(showing, now_ns)
                        place_free_ns = now_ns + int((showing.length_s + self._pace.gap_s) * NS)
                        coming.popleft()
                    case Forcing() if now_ns >= self._quiet_ns():
                        self._forced_ns.append(self._turn_arm())
                        place_free_ns = now_ns + int(self._pace.contact_s * NS) + AFTER_FORCING_NS
                        coming.popleft()
            self._follow(now_ns)
            look((now_ns - started_ns) / NS)
            time.sleep(TURN_S)  # the crowd's own pace

    def _quiet_ns(self) -> int:
        """From when on nobody can be about: not at the code, not in the turnstile, and not waiting for it."""
        releases = self._tripod.releases
        locked_ns = releases[-1].at_ns + int((self._pace.unlocked_s + 1) * NS) if releases else 0
        return max(self._last_code_ns + QUIET_NS, locked_ns)

    def _follow(self, now_ns: int) -> None:
        assert self.gate.process is not None
        assert self.gate.process.poll() is None, f"the gate ended:\n{(self._folder / 'gate.log').read_text(encoding='utf-8')[-3000:]}"
        while self._due and self._due[0][0] <= now_ns:
            heapq.heappop(self._due)[2]()
        for edge in self._pins.edges_since(self._edges_seen):
            self._edges_seen += 1
            if edge.pin == RELAY_PIN and edge.high:
                for at_ns in self._tripod.release(edge.at_ns):
                    self._at(at_ns, self._push)
        if self._view_changed or now_ns - self._told_ns >= HEARTBEAT_NS:
            self._tell()
        if now_ns - self._state_ns >= NS:
            self._state_ns = now_ns
            assert self._reader.send(ReaderState(EyesState.OK, 0, 0, 0, 0))

    def _at(self, at_ns: int, happens: Callable[[], object]) -> None:
        heapq.heappush(self._due, (at_ns, next(self._number), happens))

    # --- the reader's end --------------------------------------------------------------------------------------

    def _show(self, showing: Showing, now_ns: int) -> None:
        held = showing.held
        if showing.manner is Manner.SHOWS_AGAIN and not self._rearms:
            first, second = held
            held = (replace(first, until_s=second.until_s),)
            self._at(now_ns + int(second.from_s * NS), lambda: self.shown.append(OVERLOOKED))
        for each in held:
            number = next(self._number)
            self._at(now_ns + int(each.from_s * NS), partial(self._appears, number, each))
            self._at(now_ns + int(each.until_s * NS), partial(self._leaves, number))

    def _appears(self, number: int, held: Held) -> None:
        self._in_view[number] = track = self.gate.track(held.payload)
        if held.counts:
            self.shown.append(track.id)
        self._view_changed = True

    def _leaves(self, number: int) -> None:
        if self._view_changed:
            self._tell()  # on a busy machine it may leave in the very turn in which it came
        del self._in_view[number]
        self._view_changed = True
        self._last_code_ns = monotonic_ns()

    def _tell(self) -> None:
        now_ns = monotonic_ns()
        tracks = tuple(replace(track, last_seen_ns=now_ns) for track in self._in_view.values())
        assert self._reader.send(View(tracks)), "the gate does not take in what the reader says"
        self._told_ns, self._view_changed = now_ns, False

    # --- the turnstile -----------------------------------------------------------------------------------------

    def _push(self) -> None:
        if monotonic_ns() < self._tripod.at_rest_ns:
            self._at(self._tripod.at_rest_ns, self._push)
        elif self._tripod.push(monotonic_ns()):
            self._turn_arm()

    def _turn_arm(self) -> int:
        """The moment of its contact."""
        at_ns = self._pins.move(Sensor.PASSED, closed=True)
        self._at(at_ns + int(self._pace.contact_s * NS), partial(self._pins.move, Sensor.PASSED, closed=False))
        return at_ns

    # --- what is left ------------------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """As soon as the recorder has confirmed everything."""
        self._await_confirmed()
        last, waiting = self._province.outbox()
        edges = self._pins.edges(RELAY_PIN)
        pulses = [
            (edge.at_ns, following.at_ns if following else None) for edge, following in zip(edges, [*edges[1:], None], strict=True) if edge.high
        ]
        return Evidence(tuple(self.shown), tuple(self._tripod.releases), tuple(self._forced_ns), tuple(pulses), self._stored(), last, waiting)

    def _await_confirmed(self) -> None:
        give_up_s = time.monotonic() + SETTLED_WITHIN_S
        while (outbox := self._province.outbox())[1] or not outbox[0]:
            assert time.monotonic() < give_up_s, f"not everything is confirmed: {outbox}\n{self._province.log('recorder')[-1000:]}"
            time.sleep(0.05)  # another process's database cannot be awaited

    def _stored(self) -> list[bytes]:
        """As the recorder has them."""
        (file,) = self._province.layout.recorder.glob("*.sqlite")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)) as database:
            return [bytes(body) for (body,) in database.execute("SELECT body FROM events ORDER BY epoch, sequence")]
