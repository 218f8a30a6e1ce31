"""``qrgate demo``: people present codes to a gate; pictures in, turnstile moves, events arrive at a broker.

Nothing is played by a stand-in except light and wires: pictures are rendered (or come from a camera), pins are mock pins
(or the Pi's). Each line is an event as a subscriber receives it from the broker.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.demo import live, scenes
from device.demo.payloads import ISSUER_SEED
from device.demo.places import check_file, check_folder
from device.demo.prepared import prepare, read_readable
from device.demo.province import Province
from device.demo.report import print_report, report
from device.demo.sheet import write_sheet
from device.demo.tally import Script, Tally
from device.demo.watcher import Event, watch
from device.errors import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_OK, QrgateError, UsageError

START_S = 10.0
"""From the start of the gate's processes to the first frame, at most: a small Pi reads them from its card."""
PATIENCE_S = 6.0
"""After the last frame: for the last passages, and for the recorder's confirmation of everything."""

TRAFFIC = "traffic.log"
OPTIONS = ("passage.pin=", "relay.pulse_s=0.3", "clock.source=system")
"""Nobody walks through: without a sensor the gate assumes that whoever was let in has passed when the pulse ends. That is
before the next person holds up a code, 0.6 s later, so that nobody waits for a lane that is taken."""
MOCK_PINS = ("pins.factory=mock",)


def run(options: argparse.Namespace) -> int:
    """The whole show; exit code 0 only if every presentation had its one expected decision and every event was confirmed.

    Raises:
        UsageError, HardwareError: told before any process is started.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # like Ctrl-C: no process is left behind
    _check(options)
    if options.prepare:
        recording = prepare(options.cache)
        if options.sheet:
            write_sheet(recording, options.sheet)
        return EXIT_OK
    source = live.chosen(options)
    if source:
        source.try_out()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="qrgate-demo-"))
    try:
        return _show_live(options, folder.absolute(), source) if source else _show_script(options, folder.absolute())
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _check(options: argparse.Namespace) -> None:
    if options.sheet and not options.prepare:
        raise UsageError("--sheet shows what --prepare renders", hint="give both: qrgate demo --prepare --sheet people.jpg")
    check_folder("--cache", options.cache)
    if options.keep:
        check_folder("--keep", options.keep, empty=True)
    for option, file in (("--json", options.json), ("--sheet", options.sheet)):
        if file:
            check_file(option, file)


def _show_script(options: argparse.Namespace, folder: Path) -> int:
    recording = prepare(options.cache)
    script = Script.read(recording)
    source = ("reader.source=recording", f"reader.path={recording}", f"reader.frames_per_s={float(scenes.FRAMES_PER_S)}")
    with _gate(options, folder, source) as province, watch(province.port, province.layout.watcher, folder / TRAFFIC) as arrived:
        show = _Show(province, arrived, script)
        try:
            show.open_gate()
            show.follow(show.tally.ended, within_s=START_S + script.length_s + PATIENCE_S)
        except KeyboardInterrupt:
            print(f"— interrupted after {len(show.tally.of('decision'))} of {len(script.expected)} presentations: nothing is judged")
            _tell_kept(options)
            return EXIT_INTERRUPTED
        recorded, waiting = show.close_gate()
    return _judge(options, report(show.tally, recorded=recorded, waiting=waiting, script=script, readable=read_readable(recording)))


def _show_live(options: argparse.Namespace, folder: Path, source: live.Live) -> int:
    shown = live.write_pass(options.cache)
    with _gate(options, folder, source.settings) as province, watch(province.port, province.layout.watcher, folder / TRAFFIC) as arrived:
        show = _Show(province, arrived, None)
        show.open_gate()
        print(f"— {source.invitation(shown)}", flush=True)
        try:
            show.follow(show.tally.ended)
        except KeyboardInterrupt:
            show.follow(lambda: bool(show.tally.events), within_s=PATIENCE_S)  # what was decided is still to be confirmed
        recorded, waiting = show.close_gate()
    return _judge(options, report(show.tally, recorded=recorded, waiting=waiting, script=None, readable={}))


def _gate(options: argparse.Namespace, folder: Path, source: tuple[str, ...]) -> Province:
    return Province(folder, (*source, *OPTIONS, *(() if options.real_pins else MOCK_PINS)), issuer_seed=ISSUER_SEED)


def _judge(options: argparse.Namespace, table: dict[str, Any]) -> int:
    print_report(table)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _tell_kept(options)
    return EXIT_FAULT if table["wrong"] else EXIT_OK


def _tell_kept(options: argparse.Namespace) -> None:
    if options.keep:
        print(f"— settings, store, logs and all broker traffic are in {options.keep}")


class _Show:
    """The gate as its subscriber sees it, from its start to its end."""

    def __init__(self, province: Province, arrived: queue.SimpleQueue[Event], script: Script | None) -> None:
        self._province = province
        self._arrived = arrived
        self._script = script
        self._began_s = time.monotonic()
        self.tally = Tally()

    def open_gate(self) -> None:
        where = f"127.0.0.1:{self._province.port}"
        print(f"— broker and recorder are up on {where}, the gate opens; each line is an event as a subscriber receives it", flush=True)
        self._began_s = time.monotonic()
        self._province.open_gate()

    def close_gate(self) -> tuple[int, int]:
        """Events that were recorded, and those of them that are not confirmed."""
        self._province.close_gate()
        return self._province.outbox()

    def follow(self, over: Callable[[], bool], *, within_s: float | None = None) -> None:
        """Print events as they come, until it is ``over`` and all that followed is confirmed."""
        give_up_s = None if within_s is None else time.monotonic() + within_s
        while give_up_s is None or time.monotonic() < give_up_s:
            try:
                event = self._arrived.get(timeout=0.1)
            except queue.Empty:
                self._still_running()
                if over() and self.tally.open_grants() == 0 and self._province.outbox()[1] == 0:
                    return
                continue
            if self.tally.add(event):
                _print_event(event, time.monotonic() - self._began_s, self._script)

    def _still_running(self) -> None:
        code = self._province.processes["gate"].poll()
        if code is not None:
            ended = QrgateError(f"the gate ended with exit code {code}:\n{self._province.log('gate')[-2000:]}")
            ended.exit_code = code or EXIT_FAULT  # what the gate met is what the demo met
            raise ended


def _print_event(event: Event, at_s: float, script: Script | None) -> None:
    kind, data = event["type"].removeprefix("qrgate."), event["data"]
    match kind:
        case "decision":
            row = script.shown_at(data["frame"]) if script else None
            what = data.get("credential") or data["shown"]
            person = data.get("person", "")[:8]
            text = f"{'ADMIT ' if data['admit'] else 'REFUSE'} {data['reason']:<15} {what:<8} {person:<8}  {row.name if row else ''}".rstrip()
        case "passage":
            timing = data.get("timing", {})
            opened = f", relay {(timing['opened_ns'] - timing['decoded_ns']) / 1e6:.1f} ms after the read" if timing.get("opened_ns") else ""
            text = f"{data['outcome']}{opened}"
        case _:
            text = " ".join(f"{key}={value}" for key, value in data.items() if key != "boot")
    print(f"{at_s:6.2f} s  #{int(event['sequence']):<4} {kind:<9} {text}", flush=True)
