"""``qrgate``: the commands on the gate. Nothing is imported before it is asked for, ``failsafe`` least of all."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from device import failsafe

DEFAULT_SETTINGS = Path("/etc/qrgate")
ICAO_LETTERS = 3

EPILOG = """\
exit codes: 0 well, 1 a check found a fault, 2 wrong command line, 3 settings missing or wrong, 4 a signature or key
does not hold, 5 hardware missing or silent, 6 no contact, 7 the store cannot record, 130 interrupted before it had an
answer; `run` ends with 0 when it is told to stop

examples:
  qrgate demo                          watch twenty-one people present codes to a gate on this machine
  sudo qrgate status                   is it serving, what is wrong, what waits to be delivered
  qrgate doctor --settings /etc/qrgate what is wrong with this gate, and what to do about it
  qrgate run                           the gate in the foreground, by /etc/qrgate
  sudo qrgate take policy.bundle       hand what the office signed over to this gate
  qrgate replay film.mp4               what the reader makes of a video from the field, and what it missed and why
  qrgate focus --webcam /dev/video0    turn the lens until it is sharp
  sudo qrgate test relay               does the lane open? with the gate out of service
  qrgate explain picture.png           what a code is, what is proven, whether it may pass and why
"""

STATUS_EPILOG = """\
Works without a network and disturbs nobody: the gate writes every second how it is, and tells nothing about a person. Told are whether
it runs and serves, each trouble with what happens to people then and what to do, what waits for its confirmation, broker, clock, what is
in force, and when the last frame, decision and confirmation were. A gate that hangs, was killed or was stopped is told as such, with its
last word. Root and members of the group qrgate may ask.

--json: `ok`, `life` (runs, silent, starts, stopped, died, never, not_told), `what` and `hint` in words, `age_s` of what the gate told,
and that as `gate`: the same that `qrgate-provision command diagnostics` brings from afar. With --watch one document a line.

exit codes: 0 it runs and all is well, 1 it runs and something is wrong, 3 settings are wrong or may not be read, 6 it does not run, or
does not tell; with --watch that of the last look

examples:
  sudo qrgate status                        at the gate
  sudo qrgate status --watch                again every second, until Ctrl-C
  ssh gate-7 sudo qrgate status --json      for a script
"""

TAKE_EPILOG = """\
A FILE is a bundle (policy, trust, keys of days) or a list, as `qrgate-provision` signed it. Each is looked at first: signature, whom it
is for, what is in it, and whether it is older than what is in force, where that may be read. What holds is put into the gate's inbox;
the gate looks again for itself, and records what became of it.

--json: `gate_runs`, and for each of `files`: `handed_over`, `kind`, `version`, `why` not and a `hint`.

exit codes: 0 all were handed over, 2 a file cannot be read, 3 settings or a policy are wrong, 4 the gate would refuse it, 7 it cannot be
written; of several files that of the first which was not handed over

examples:
  sudo qrgate take policy.bundle trust.bundle deny-7.list
  sudo qrgate take --json /media/usb/*.bundle
"""

EXPLAIN_EPILOG = """\
WHAT is a picture, a file that holds a payload, the payload itself, or - for one on stdin. Personal fields are masked, and nothing
is kept or sent. Whom to trust is given with --trust (health signers as their countries publish them: X.509 in DER or PEM, or a
trust list in JSON), --cards and --seals; with --settings it is decided as at this gate, by the policy and trust in force there where
they may be read (sudo). --policy decides by a policy that is not yet signed, --rules by health rules alone. A file of the EU's
dgc-testdata brings its certificate and its clock along.

--json: `codes` has one entry a code: `kind` or `shown` (what it is), `proof`, `checks` of a certificate in their order (true, false,
null where not reached: prefix, base45, compression, cose, issuer, signature, claims, times, schema, use), `in_time` by its own dates,
`claims` masked, `decision`. `picture_read` is false where a test case's picture does not hold its payload.

exit codes: 0 the gate would let the bearer in, 1 it would refuse, 2 wrong command line or file, 3 settings or a policy are wrong,
4 health rules are wrong, 5 no code in the picture

examples:
  qrgate explain photo.jpg                                          every code in a photograph
  qrgate explain --trust signer.pem --at 2021-07-01 "HC1:6BF..."    a vaccine passport, on a day
  qrgate explain --json dgc-testdata/common/2DCode/raw/CO1.json     a published test case
  sudo qrgate explain --settings /etc/qrgate pass.png               a pass, as this gate would decide
  qrgate explain --policy market.toml --gate gb-02 card.png         by a policy that is not yet signed
  qrgate explain --cards https://clinic.example.vn=jwks.json shc:/… a SMART Health Card
  printf %s "$CODE" | qrgate explain -                              without the payload in the shell's history
"""

TEST_PARTS = ("relay", "lamps", "buzzer", "beams", "fire", "display", "voice")
TEST_EPILOG = """\
For a technician with a screwdriver: relay (one pulse of each, and the free relay for two seconds), lamps, buzzer (every signal), beams
(every contact: break each beam, press each button), fire (open the contact and close it again), display, voice. Somebody has to
look: at a terminal each step is asked about. THE LANE MOVES: stand clear of it. While a gate is in service the test refuses, and while the
test runs no gate starts. However it ends, `qrgate failsafe` follows.

exit codes: 0 all that was tested is well, 1 something failed, 2 wrong command line or the gate is in service, 3 settings are wrong,
5 a pin or board is not there

examples:
  sudo systemctl stop qrgate.target && sudo qrgate test all
  sudo qrgate test relay                     is it wired, does the lane open?
  sudo qrgate test beams --seconds 60        a minute to walk through
  sudo qrgate test all --json > sheet.json   for the acceptance sheet
"""

REPLAY_EPILOG = """\
A video, a recording, or a folder of pictures in the order of their names goes through the same reader as at a gate: every
frame, as fast as it can, at the times it was taken. Told are each code that was held up, how long it took to be read and by
which stage, and what was missed and why. Payloads are never told, and pictures of people are not kept.

exit codes: 0 all that was found was read, 1 a code was found in three looks or more and never read (with a truth: fewer than
--at-least, or a wrong payload), 5 nothing of the material can be shown, or it breaks off, 130 interrupted; what was found so
far is told all the same. With --stills and no truth it is 0 whatever was read

examples:
  qrgate replay film.mp4                                   a video from the field
  qrgate replay film.mp4 --html film.html                  with a page: a timeline, and a row for each code
  qrgate replay frames --fps 25 --json                     pictures of one camera, 25 a second, for a script
  qrgate replay photos --stills                            photographs that have nothing to do with each other, one by one
  qrgate replay photos --truth photos/truth.json           how many of them are read, to the byte
"""

FOCUS_EPILOG = """\
Hold a printed code where people hold theirs, and turn the lens: the score is 100 at the sharpest so far. Ctrl-C ends it.

exit codes: 0 the lens was left within a tenth of its best, 1 it was not, 5 no camera, 130 nothing was there to focus on

examples:
  qrgate focus                           the camera of this gate, which must not run: systemctl stop qrgate.target
  qrgate focus --webcam /dev/video0      another one
  qrgate focus --json                    five lines a second, for a script
"""

DEMO_EPILOG = """\
examples:
  qrgate demo                          the people of the demo, decided and judged; exit code 0 if all went as it should
  qrgate demo --webcam /dev/video0     you, with the pass that the demo leaves in its cache, on a phone or printed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "failsafe":
        return failsafe.make_safe(options.settings)
    from device.errors import EXIT_INTERRUPTED, QrgateError  # noqa: PLC0415 - after failsafe, which must not need it

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    try:
        return int(options.run(options))
    except QrgateError as error:
        sys.stderr.write(f"qrgate {options.command}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qrgate",
        description="A QR gate: reads codes, decides offline, opens a turnstile, reports over MQTT.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="the version that is installed")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, *, settings: bool = True, epilog: str = ""
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter)
        sub.set_defaults(run=run)
        if settings:
            sub.add_argument(
                "--settings", type=Path, default=DEFAULT_SETTINGS, metavar="FOLDER", help=f"holds gate.toml and site.toml ({DEFAULT_SETTINGS})"
            )
        return sub

    run = command("run", _run, "Be the gate: all three processes in the foreground, or one of them.")
    run.add_argument("part", nargs="?", choices=("reader", "gate", "uplink"), help="one process only, as the systemd units do")
    _demo_arguments(
        command("demo", _demo, "A whole gate on this machine: real processes, real broker, rendered people.", settings=False, epilog=DEMO_EPILOG)
    )
    doctor = command("doctor", _doctor, "Check camera, decoders, store, pins, broker and clock, and say what to do.")
    doctor.add_argument("--json", action="store_true", help="one JSON document on stdout")
    status = command("status", _status, "How the gate on this machine is, and what to do: for somebody who stands there.", epilog=STATUS_EPILOG)
    status.add_argument("--json", action="store_true", help="one JSON document on stdout")
    status.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")
    take = command("take", _take, "Hand bundles and lists that the office signed over to this gate.", epilog=TAKE_EPILOG)
    take.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a bundle or a list")
    take.add_argument("--json", action="store_true", help="one JSON document on stdout")
    _test_arguments(command("test", _test, "Move and look at what is wired to this gate, with the gate out of service.", epilog=TEST_EPILOG))
    _replay_arguments(
        command(
            "replay", _replay, "Material from the field through the reader: what was read, what not, and why.", settings=False, epilog=REPLAY_EPILOG
        )
    )
    _focus_arguments(command("focus", _focus, "A live score of sharpness, for whoever turns the lens.", epilog=FOCUS_EPILOG))
    _explain_arguments(
        command("explain", _explain, "What a code is, what is proven, whether it may pass and why.", settings=False, epilog=EXPLAIN_EPILOG)
    )
    command("failsafe", _nothing, "Put every output into its safe state. Needs nothing of the rest.")
    return parser


class _Version(argparse.Action):
    """Looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            told = version("qrgate")
        except PackageNotFoundError:
            told = "not installed: run from its folder"
        sys.stdout.write(f"qrgate {told}\n")
        parser.exit()


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", choices=(*TEST_PARTS, "all"), metavar="PART", help=f"{', '.join(TEST_PARTS)}, or all of them")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="N", help="how long to wait for whoever moves a contact (30)")
    parser.add_argument("--yes", action="store_true", help="ask nothing: what was moved is told as `done`")
    parser.add_argument("--json", action="store_true", help="one JSON document a line on stdout; asks nothing")


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--camera", action="store_true", help="the Pi's camera, through picamera2")
    source.add_argument("--webcam", metavar="DEVICE", help="a V4L2 webcam, such as /dev/video0")
    source.add_argument("--video", type=Path, metavar="FILE", help="a video file")
    source.add_argument("--frames", type=Path, metavar="FOLDER", help="a folder of pictures")
    parser.add_argument("--real-pins", action="store_true", help="drive the pins of hardware/boards/rpi4-relay-hat.toml instead of mock pins")
    parser.add_argument("--cache", type=Path, default=_cache_folder(), metavar="FOLDER", help="where the rendered recording is kept (250 MB)")
    parser.add_argument("--prepare", action="store_true", help="only render the recording")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="with --prepare: write a picture of everybody who comes")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep settings, store and logs in FOLDER, new or empty")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the closing table as JSON, too")


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "qrgate"


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="VIDEO|FOLDER|RECORDING", help="a video, a folder of pictures, or a recording of `qrgate demo`")
    parser.add_argument("--fps", type=float, metavar="N", help="a folder: so many pictures a second (10)")
    parser.add_argument("--decoders", type=lambda names: tuple(names.split(",")), metavar="NAMES", help="the decoders to read with (zxing,zbar)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with a timeline, too; it needs nothing else to be shown")
    parser.add_argument("--keep-thumbnails", action="store_true", help="on the page: small pictures of what was held up, codes made unreadable")
    parser.add_argument("--stills", action="store_true", help="a folder: photographs that have nothing to do with each other, listed one by one")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="photographs: compare with a JSON list of {file, payload, payload_hex}")
    parser.add_argument("--at-least", type=float, metavar="SHARE", help="with --truth: exit 1 where fewer are read exactly, 0 to 1 (0.95)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shown", metavar="WHAT", help="a picture, a file, a payload, or - for stdin")
    parser.add_argument("--hex", action="store_true", help="the payload is given in hex digits")
    parser.add_argument("--trust", type=Path, action="append", default=[], metavar="FILE", help="health signers: certificate or list; repeatable")
    parser.add_argument("--cards", type=_issuer, action="append", default=[], metavar="URL=JWKS", help="an issuer of SMART Health Cards; repeatable")
    parser.add_argument(
        "--seals", type=_country, action="append", default=[], metavar="ICAO=FILE", help="a country's signing authority (VDS-NC); repeatable"
    )
    parser.add_argument("--at", metavar="TIME", help="the moment to decide for, such as 2021-07-01T06:30:00+07:00 (now)")
    parser.add_argument("--untrusted-clock", action="store_true", help="as a gate decides that does not know the date")
    parser.add_argument("--mode", choices=("verify", "record"), default="verify", help="admit what is proven, or any claim as well (verify)")
    parser.add_argument("--settings", type=Path, metavar="FOLDER", help="decide as this gate does")
    parser.add_argument("--policy", type=Path, metavar="FILE.toml", help="decide by this policy")
    parser.add_argument("--gate", metavar="ID", help="with --policy: as this gate of it")
    parser.add_argument("--rules", type=Path, metavar="FILE.json", help="decide by these rules for health certificates")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _issuer(text: str) -> tuple[str, Path]:
    url, equals, path = text.rpartition("=")
    if not (equals and path and url.startswith("https://")):
        raise argparse.ArgumentTypeError(f"expected https://…=FILE, found {text!r}")
    return url, Path(path)


def _country(text: str) -> tuple[str, Path]:
    country, equals, path = text.partition("=")
    if not (equals and path and country.isascii() and country.isupper() and len(country) <= ICAO_LETTERS):
        raise argparse.ArgumentTypeError(f"expected a country as its seals print it and a file, such as AUS=australia.pem, found {text!r}")
    return country, Path(path)


def _focus_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--webcam", metavar="DEVICE", help="a V4L2 webcam, such as /dev/video0")
    source.add_argument("--video", type=Path, metavar="FILE", help="a video file")
    source.add_argument("--frames", type=Path, metavar="FOLDER", help="a folder of pictures")
    parser.add_argument("--json", action="store_true", help="one JSON document a line on stdout")


# --- commands --------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    from device import config  # noqa: PLC0415

    settings = config.load(options.settings)
    stopping = _stop_on_signals()
    match options.part:
        case None:
            from device.launch import Launcher  # noqa: PLC0415

            return Launcher(options.settings, settings.paths.runtime).run(stopping)
        case "gate":
            from device.gate import service as gate  # noqa: PLC0415

            return gate.run(settings, stopping)
        case "reader":
            from device.reader import service as reader  # noqa: PLC0415

            return reader.run(settings, stopping)
        case _:
            from device.uplink import service as uplink  # noqa: PLC0415

            return uplink.run(settings, stopping)


def _demo(options: argparse.Namespace) -> int:
    from device.demo import show  # noqa: PLC0415

    return show.run(options)


def _doctor(options: argparse.Namespace) -> int:
    from device import doctor  # noqa: PLC0415

    return doctor.run(options.settings, as_json=options.json)


def _status(options: argparse.Namespace) -> int:
    from device import status  # noqa: PLC0415

    return status.run(options, _stop_on_signals())


def _take(options: argparse.Namespace) -> int:
    from device import take  # noqa: PLC0415

    return take.run(options)


def _test(options: argparse.Namespace) -> int:
    from device import selftest  # noqa: PLC0415

    return selftest.run(options)


def _replay(options: argparse.Namespace) -> int:
    from device import replay  # noqa: PLC0415

    return replay.run(options, _stop_on_signals)


def _focus(options: argparse.Namespace) -> int:
    from device import focus  # noqa: PLC0415

    return focus.run(options, _stop_on_signals())


def _explain(options: argparse.Namespace) -> int:
    from device import explain  # noqa: PLC0415

    return explain.run(options)


def _nothing(_options: argparse.Namespace) -> int:
    return 0


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
