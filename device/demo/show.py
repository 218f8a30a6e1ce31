"""``qrgate demo``: people present codes to a gate; pictures in, turnstile moves, events arrive at a broker.

Nothing is played by a stand-in except light and wires: pictures are rendered (or come from a camera), pins are mock pins
(or the Pi's). Each line is an event as a subscriber receives it from the broker.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import tempfile
import time
from pathlib import Path

from device.clock import NS, monotonic_ns
from device.demo import scenes
from device.demo.prepared import prepare, read_readable
from device.demo.report import print_report, report
from device.demo.sheet import write_sheet
from device.demo.stage import Stage, events_in
from device.demo.tally import Script, Tally
from device.demo.watcher import Event, watch
from device.errors import EXIT_FAULT, EXIT_INTERRUPTED, EXIT_OK, QrgateError

LEAD_S = 2.5
"""From the start of the gate's processes to the first frame: they import, connect and say hello."""
PATIENCE_S = 6.0
"""After the last frame: for the last passages, and for the recorder's confirmation of everything."""

TRAFFIC = "traffic.log"
BOARD = ("passage.pin=",)
"""Nobody walks through: without a sensor the gate assumes that whoever was let in has passed."""
MOCK_PINS = ("pins.factory=mock",)


def run(options: argparse.Namespace) -> int:
    """The whole show; exit code 0 only if every presentation had its one expected decision and every event was confirmed."""
    if options.prepare:
        recording = prepare(options.cache)
        if options.sheet:
            write_sheet(recording, options.sheet)
        return EXIT_OK
    folder = options.keep or Path(tempfile.mkdtemp(prefix="qrgate-demo-"))
    try:
        return _play(options, folder.absolute())
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _play(options: argparse.Namespace, folder: Path) -> int:
    source, recording = _source(options)
    script = Script.read(recording) if recording else None
    board = BOARD if options.real_pins else BOARD + MOCK_PINS
    tally = Tally()
    interrupted = False
    with Stage(folder, (*source, *board, "clock.source=system")) as stage, watch(stage.port, stage.layout.watcher, folder / TRAFFIC) as arrived:
        print(
            f"— broker and recorder are up on 127.0.0.1:{stage.port}, the gate opens; each line is an event as a subscriber receives it", flush=True
        )
        stage.open_gate(*([f"reader.started_ns={monotonic_ns() + int(LEAD_S * NS)}"] if script else []))
        try:
            _follow(stage, arrived, tally, script)
        except KeyboardInterrupt:
            interrupted = True
        stage.close_gate()
        recorded, waiting = events_in(stage.state)
    table = report(tally, recorded=recorded, waiting=waiting, script=script, readable=read_readable(recording) if recording else {})
    print_report(table)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.keep:
        print(f"— settings, store, logs and all broker traffic are in {folder}")
    if interrupted and script:
        return EXIT_INTERRUPTED
    return EXIT_FAULT if table["wrong"] else EXIT_OK


def _source(options: argparse.Namespace) -> tuple[tuple[str, ...], Path | None]:
    """The reader's settings, and the recording if it is one."""
    if options.camera:
        return ("reader.source=picamera2",), None
    if options.webcam:
        return ("reader.source=webcam", f"reader.path={options.webcam}"), None
    if options.video:
        return ("reader.source=video", f"reader.path={options.video.absolute()}"), None
    if options.frames:
        return ("reader.source=folder", f"reader.path={options.frames.absolute()}"), None
    recording = prepare(options.cache)
    return ("reader.source=recording", f"reader.path={recording}", f"reader.frames_per_s={float(scenes.FRAMES_PER_S)}"), recording


def _follow(stage: Stage, arrived: queue.SimpleQueue[Event], tally: Tally, script: Script | None) -> None:
    """Print events as they come, until the last frame's consequences are confirmed."""
    began_s = time.monotonic()
    give_up_s = None if script is None else began_s + LEAD_S + script.length_s + PATIENCE_S
    while give_up_s is None or time.monotonic() < give_up_s:
        try:
            event = arrived.get(timeout=0.1)
        except queue.Empty:
            _still_running(stage)
            if tally.ended() and tally.open_grants() == 0 and events_in(stage.state)[1] == 0:
                return
            continue
        if tally.add(event):
            _print_event(event, time.monotonic() - began_s, script)


def _still_running(stage: Stage) -> None:
    if stage.gate is not None and (code := stage.gate.poll()) is not None:
        tail = (stage.logs / "gate.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        ended = QrgateError(f"the gate ended with exit code {code}:\n{tail}", hint="mend that; `qrgate doctor` helps")
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
