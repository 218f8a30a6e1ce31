"""``qrgate test``: what is wired to this gate, moved and looked at by a technician with a screwdriver.

It needs the gate out of service, and keeps it so while it runs. The test itself is a child process: however it ends, the
parent runs ``failsafe`` after it.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from device import config, failsafe
from device.errors import EXIT_FAULT, EXIT_OK, HardwareError, QrgateError, StoreError, UsageError
from device.selftest.bench import Bench, Outcome, Step
from device.selftest.parts import PARTS
from device.settings import Settings

PR_SET_PDEATHSIG = 1

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A terminal that is gone, too: the child ends, and failsafe follows."""

LIMIT_S = 300.0
"""For one part. Whoever was called away in the middle leaves a gate with everything off."""


def run(options: argparse.Namespace) -> int:
    """Test the parts that ``options`` name; 0 if all did what they should, 1 if one did not.

    Raises:
        UsageError: the gate is in service.
        SettingsError, HardwareError: as for the gate itself.
    """
    settings = config.load(options.settings)
    names = list(PARTS) if options.part == "all" else [options.part]
    for number in ENDING:
        signal.signal(number, _interrupted)
    with _out_of_service(settings):
        codes = [_in_a_child(name, settings, options) for name in names]
    return max(codes, default=EXIT_OK)


def _interrupted(_number: int, _frame: object) -> None:
    """Once: a session that ends sends one signal after the other, and none may break off what the first has begun."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _out_of_service(settings: Settings) -> Iterator[None]:
    """The lock that the gate itself holds while it runs: as long as it is ours, no gate starts."""
    state = settings.paths.state
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.paths.runtime.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{error.filename or state} cannot be opened: {error.strerror}", hint="sudo qrgate test …") from None
    try:
        _lock(folder)
        _hand_over_to_failsafe(settings)
        yield
    finally:
        os.close(folder)


def _lock(folder: int) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hint = "sudo systemctl stop qrgate.target; when you are done: sudo systemctl start qrgate.target"
        raise UsageError("the gate is in service", hint=hint) from None


def _hand_over_to_failsafe(settings: Settings) -> None:
    """Let go of what the last life of the gate drove; from now on ``failsafe`` goes by the settings that are tested."""
    failsafe.make_safe(settings.folder, settings.paths.runtime)
    new = settings.paths.runtime / f"{failsafe.DRIVEN}.new"
    shutil.copyfile(settings.folder / "gate.toml", new)
    new.replace(settings.paths.runtime / failsafe.DRIVEN)


def _in_a_child(name: str, settings: Settings, options: argparse.Namespace) -> int:
    """Run part ``name`` in a process of its own, with a limit in time; ``failsafe`` has the last word."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = EXIT_FAULT
        try:
            code = _test(name, settings, options)
        except Exception:  # noqa: BLE001 - whatever it is, the child must not go on as a second parent
            traceback.print_exc()
        finally:
            os._exit(code)
    try:
        return _wait(child, LIMIT_S)
    finally:
        if failsafe.make_safe(settings.folder, settings.paths.runtime) != failsafe.EXIT_OK:
            sys.stderr.write("qrgate test: the outputs may not be safe: cut the lock supply\n")


def _wait(child: int, limit_s: float) -> int:
    pidfd = os.pidfd_open(child)
    over_s = time.monotonic() + limit_s
    try:
        while os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= over_s:
                sys.stderr.write(f"qrgate test: ended after {limit_s:.0f} s\n")
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            time.sleep(0.05)
    except KeyboardInterrupt:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        raise
    finally:
        os.close(pidfd)
        _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else EXIT_FAULT


def _test(name: str, settings: Settings, options: argparse.Namespace) -> int:
    """In the child: every step of the part, told as it happens."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a parent that was killed tests nothing any more
    bench = Bench(settings, asks=sys.stdin.isatty() and not options.json and not options.yes, seconds=options.seconds)
    tell = _as_json if options.json else _as_line
    worst = EXIT_OK
    try:
        for step in _steps(PARTS[name].steps, bench):
            tell(name, step)
            worst = max(worst, EXIT_FAULT if step.outcome is Outcome.FAILED else EXIT_OK)
    except QrgateError as error:
        sys.stderr.write(f"qrgate test {name}: {error}\n")
        worst = error.exit_code
    finally:
        bench.close()
        sys.stdout.flush()
    return worst


def _steps(part: Callable[[Bench], Iterator[Step]], bench: Bench) -> Iterator[Step]:
    try:
        yield from part(bench)
    except HardwareError as error:
        yield Step("hardware", Outcome.FAILED, str(error))


def _as_line(part: str, step: Step) -> None:
    sys.stdout.write(f"{step.outcome:<8} {part:<8} {step.what:<24} {step.detail}\n")
    sys.stdout.flush()


def _as_json(part: str, step: Step) -> None:
    sys.stdout.write(json.dumps({"part": part, "what": step.what, "outcome": step.outcome, "detail": step.detail}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
