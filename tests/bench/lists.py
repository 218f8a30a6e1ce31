"""A list of a million: how long a look-up takes, what it costs in memory, and whom its replacement makes wait.

The delay is that of two who stand in for the gate's threads: one decides every millisecond in the loop that also takes
the list, one is woken every millisecond as by a fire input. Both go on while lists are proven and swapped, and, in
between, while none is. They run before all other programs where that is permitted (SCHED_RR): what these do to them is
not the list's doing.
"""

from __future__ import annotations

import json
import os
import queue
import random
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

from device.admission.lists import ENTRIES_MAX, ListKind
from device.gate.lists import Lists
from tests.bench.figures import Figures
from tests.lists import Desk, Province

LOOK_UPS = 20_000
RANDOM_LOOK_UPS = 100_000
SWAPS = 10
TICK_S = 0.001
NS_PER_US = 1e3
NS_PER_S = 1e9
MS_PER_S = 1e3
KB = 1024
BYTES_PER_MB = 1e6
KIND = ListKind.DENY


def measure() -> Figures:
    with tempfile.TemporaryDirectory(prefix="qrgate-bench-") as name:
        folder = Path(name)
        province = Province()
        body = province.body(_name(number) for number in range(ENTRIES_MAX))
        first = folder / "first.list"
        first.write_bytes(province.whole(KIND, 1, body))
        desk = Desk(folder, province)
        desk.lists.take(first)
        if not desk.lists.wait(120):
            raise RuntimeError(f"the list was not taken: {desk.told}")
        look_up_us = _look_up_us(desk.lists)
        desk.lists.close()
        resident_mb = _in_a_fresh_process("resident", folder)["resident"]
        delays = _in_a_fresh_process("delays", folder)
    return {
        "list_lookup_p50": (look_up_us, "µs"),
        "list_resident": (resident_mb, "MB"),
        "list_swap_delay_max": (max(delays["decision_swap"], delays["fire_swap"]), "ms"),
        "list_swap_delay_decision": (delays["decision_swap"], "ms"),
        "list_swap_delay_fire": (delays["fire_swap"], "ms"),
        "list_no_swap_delay_max": (max(delays["decision_rest"], delays["fire_rest"]), "ms"),
    }


def _name(number: int) -> bytes:
    return b"cccd:999%09d" % number


def _look_up_us(lists: Lists) -> float:
    """One name in one list, its keyed hash included; half of them are listed."""
    numbers = random.Random(1)
    names = [_name(numbers.randrange(2 * ENTRIES_MAX)) for _ in range(LOOK_UPS)]
    spent = []
    for name in names:
        begun = time.thread_time_ns()
        lists.look_up((name,))
        spent.append(time.thread_time_ns() - begun)
    return median(spent) / NS_PER_US


def _in_a_fresh_process(what: str, folder: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", "tests.bench.lists", what, folder], stdout=subprocess.PIPE, check=True, timeout=600)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


# --- memory ----------------------------------------------------------------------------------------------------


def resident(folder: Path) -> dict[str, float]:
    """Growth of what the process holds, mapped pages counted, once all of the list has been asked."""
    desk = Desk(folder)
    numbers = random.Random(2)
    desk.lists.look_up([_name(0)])
    before = _held_mb()
    desk.start()
    for _ in range(RANDOM_LOOK_UPS):
        desk.lists.look_up((_name(numbers.randrange(2 * ENTRIES_MAX)),))
    after = _held_mb()
    desk.lists.close()
    return {"resident": after - before}


def _held_mb() -> float:
    """The greater of Rss and Pss: what is mapped counts whether others map it too or not."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss:", "Pss:"))}
    return max(sizes.values()) * KB / BYTES_PER_MB


# --- delay -----------------------------------------------------------------------------------------------------


class Fire(threading.Thread):
    """Waits as the acting thread does, and keeps how much too late it was woken at worst."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._inbox: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.worst_s = 0.0

    def run(self) -> None:
        _before_all_others()
        while True:
            due = time.monotonic() + TICK_S
            with suppress(queue.Empty):
                self._inbox.get(timeout=TICK_S)
                return
            self.worst_s = max(self.worst_s, time.monotonic() - due)

    def stop(self) -> None:
        self._inbox.put(None)
        self.join()


def delays(folder: Path) -> dict[str, float]:
    """The worst delay of each, in milliseconds, with swaps and without, turn about."""
    province = Province()
    first = (folder / "first.list").read_bytes()
    body = first[-ENTRIES_MAX * 12 :]
    files = []
    for version in range(2, SWAPS + 2):
        files.append(folder / f"next-{version}.list")
        files[-1].write_bytes(province.whole(KIND, version, body))
    desk = Desk(folder, province).start()
    worst = dict.fromkeys(("decision_swap", "fire_swap", "decision_rest", "fire_rest"), 0.0)
    _before_all_others()
    for file in files:
        begun = time.monotonic()
        decision, fire = _while(desk.lists, lambda file=file: desk.lists.take(file), lambda: not desk.lists.is_idle)  # type: ignore[misc]
        lasted = time.monotonic() - begun
        worst["decision_swap"], worst["fire_swap"] = max(worst["decision_swap"], decision), max(worst["fire_swap"], fire)
        until = time.monotonic() + lasted
        decision, fire = _while(desk.lists, lambda: None, lambda until=until: time.monotonic() < until)  # type: ignore[misc]
        worst["decision_rest"], worst["fire_rest"] = max(worst["decision_rest"], decision), max(worst["fire_rest"], fire)
    if len(desk.told) != 1 + SWAPS or any(facts["what"] != "list_in_force" for facts in desk.told):
        raise RuntimeError(f"not every list was swapped: {desk.told}")
    desk.lists.close()
    return {name: value * MS_PER_S for name, value in worst.items()}


def _while(lists: Lists, begin: Callable[[], None], goes_on: Callable[[], bool]) -> tuple[float, float]:
    """The worst delay of a decision and of the fire input, in seconds."""
    fire = Fire()
    fire.start()
    poll = select.epoll()
    poll.register(lists.fileno(), select.EPOLLIN)
    numbers, worst_s = random.Random(3), 0.0
    due = time.monotonic() + TICK_S
    begin()
    while goes_on():
        poll.poll(max(due - time.monotonic(), 0.0))
        lists.poll()  # once a turn, as the recording thread does
        if time.monotonic() >= due:
            lists.look_up((_name(numbers.randrange(2 * ENTRIES_MAX)),))
            worst_s = max(worst_s, time.monotonic() - due)
            due = time.monotonic() + TICK_S
    fire.stop()
    poll.close()
    return worst_s, fire.worst_s


def _before_all_others() -> None:
    """This thread and not its children."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


PARTS = {"resident": resident, "delays": delays}

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](Path(sys.argv[2]))))
