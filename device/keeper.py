"""The keeper: a process that does nothing but hold pins at a level, for a lane that must stay free while no gate runs.

On kernels that take a line back when its owner ends (``strict_gpiod``, and all but Raspberry Pi's own) ``failsafe`` could
switch ``free_relay`` on, and it would drop as soon as ``failsafe`` ends. So it leaves this behind, until the gate or another
``failsafe`` ends it. SIGTERM ends it at once: there is nothing to clean up.

``python -I keeper.py RUNTIME CHIP PIN=LEVEL...`` becomes the keeper of just these pins, unless there is one; without pins, it
ends the one there is. As soon as it is known it prints ``held``, and a line for each pin that is not, or else what is wrong.
Like ``failsafe`` it needs nothing of the rest.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from pathlib import Path

RECORD = "keeper"
"""In the runtime folder, and locked as long as the keeper lives: its process id, the chip, and the pins with their levels."""

HELD = "held"
ENDS_S = 1.0


def end_keeper(runtime: Path) -> None:
    """End the keeper, if there is one; its pins are let go when this returns. Raises OSError where it cannot be ended."""
    if (found := _find(runtime)) is None:
        return
    process, _ = found
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], ENDS_S)[0]:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(process)
    raise TimeoutError(f"the process that {runtime / RECORD} names does not end")


def _find(runtime: Path) -> tuple[int, str] | None:
    """The keeper's process, as a descriptor, and what it holds.

    The lock is asked about again once the process is at hand: a process that was given the same number since is never taken for it.
    """
    try:
        record = os.open(runtime / RECORD, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not _locked(record):
            return None
        number, _, held = os.read(record, 4096).decode().partition(" ")
        process = os.pidfd_open(int(number))
        if _locked(record):
            return process, held
        os.close(process)
    except ProcessLookupError:
        pass
    finally:
        os.close(record)
    return None


def _locked(record: int) -> bool:
    try:
        fcntl.flock(record, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(record, fcntl.LOCK_UN)
    return False


def keep(runtime: Path, chip: int, levels: dict[int, int]) -> list[str]:
    """Claim each pin at its level in one step, and tell of it in ``runtime``; the pins that could not be claimed, and why.

    Raises:
        Exception: nothing is held, or nobody could tell that it is: ImportError, OSError and lgpio.error share no other root.
    """
    import lgpio  # noqa: PLC0415 - it starts a thread, and makes a file in the working directory

    handle, problems = lgpio.gpiochip_open(chip), []
    for pin, level in levels.items():
        try:
            lgpio.gpio_claim_output(handle, pin, level)
        except lgpio.error as error:
            problems.append(f"pin {pin}: {error}")
    if len(problems) == len(levels):
        raise OSError("; ".join(problems))
    _publish(runtime, " ".join([str(os.getpid()), *_words(chip, levels)]))
    return problems


def _words(chip: int, levels: dict[int, int]) -> list[str]:
    return [str(chip), *(f"{pin}={level}" for pin, level in levels.items())]


def _publish(runtime: Path, content: str) -> None:
    """Whole and locked before anybody can see it: whoever finds it locked may believe what it says."""
    _be_the_owner_of(runtime)
    new = runtime / f"{RECORD}.new"
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)  # stays open until the process ends
    fcntl.flock(file, fcntl.LOCK_EX)
    os.write(file, content.encode())
    new.replace(runtime / RECORD)


def _be_the_owner_of(folder: Path) -> None:
    """Root may have run ``failsafe`` by hand; the gate must be able to end its keeper all the same."""
    if os.geteuid() == 0 and (owner := folder.stat()).st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def main(arguments: list[str]) -> int:
    runtime, chip = Path(arguments[0]), int(arguments[1])
    levels = {int(pin): int(level) for pin, _, level in (each.partition("=") for each in arguments[2:])}
    os.chdir(runtime)  # where lgpio may make its file
    words, holds = HELD, False
    try:
        found = _find(runtime)
        if levels and found and found[1].split() == _words(chip, levels):
            return 0
        end_keeper(runtime)
        if levels:
            words, holds = "\n".join([HELD, *keep(runtime, chip, levels)]), True
    except Exception as error:  # noqa: BLE001 - see ``keep``
        words = " ".join(str(error).split()) or type(error).__name__
    finally:
        sys.stdout.write(words)
        sys.stdout.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())  # whoever reads to the end has it
    while holds:
        signal.pause()
    return int(words != HELD)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
