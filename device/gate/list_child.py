"""The process that checks a list, as the gate sees it: never waited for, and ended at its deadline."""

from __future__ import annotations

import logging
import os
import socket
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from device.admission.list_file import ListError, Unfit
from device.clock import monotonic_ns
from device.gate.list_order import PACKET_MAX, Handed, Order, Refused, decode, encode

log = logging.getLogger("qrgate.gate")

PROGRAM = "device.gate.list_check"
NEVER_STARTED = -1


class Child:
    """One checking process, and the socket to it."""

    def __init__(self, order: Order, *, within_ns: int) -> None:
        """Raises OSError where there is no socket for it. A process that cannot be started has an exit code like others."""
        self._deadline_ns = monotonic_ns() + within_ns
        self._process: subprocess.Popen[bytes] | None = None
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(0)
        self.channel.send(encode(order))
        # Popen waits until the new program is there, on a busy machine for long (measured: 0.7 s), so not in the loop. It uses
        # vfork: other threads stand still until the kernel has taken the program on, which is the gate's own and in memory
        # (0.3 ms). A fork would copy the page tables meanwhile, and was slower (6 to 9 ms).
        self._starting = threading.Thread(target=self._start, args=(theirs, order.source), name="list-check", daemon=True)
        self._starting.start()

    def _start(self, theirs: socket.socket, source: int | None) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", PROGRAM],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # Where the code lies, and nothing else of the environment: no secret, and no way to speak to systemd.
                env={"PYTHONPATH": str(Path(__file__).parents[2])},
                pass_fds=() if source is None else (source,),
            )
        except OSError as error:
            log.error("no process to check lists: %s", error.strerror)
        finally:
            theirs.close()

    @property
    def pid(self) -> int | None:
        """``None`` until it is started."""
        return self._process.pid if self._process else None

    @property
    def is_late(self) -> bool:
        return monotonic_ns() > self._deadline_ns

    def hear(self) -> tuple[Handed | Refused, int | None] | None:
        """What it says next, and the memfd that came with it, now the caller's; ``None`` where nothing is there yet.

        Raises:
            EOFError: it has ended, or says what no checker says.
        """
        try:
            packet, descriptors, _flags, _address = socket.recv_fds(self.channel, PACKET_MAX, 1)
        except BlockingIOError:
            return None
        except ConnectionError:
            raise EOFError from None
        descriptor = descriptors[0] if descriptors else None
        try:
            said = decode(packet)
        except (ValueError, TypeError, LookupError):
            said = None
        if isinstance(said, Handed) == (descriptor is not None) and isinstance(said, Handed | Refused):
            return said, descriptor
        if descriptor is not None:
            os.close(descriptor)
        raise EOFError

    def tell(self, word: bytes) -> None:
        """``IN_FORCE`` or ``KEEP_OLD``. A checker that is gone by now is noticed at the next hearing."""
        try:
            self.channel.send(word)
        except OSError:
            return

    def dismiss(self) -> None:
        """It has said its last, or must not say more; ``exit_code`` sees to its end."""
        self.channel.close()

    def exit_code(self) -> int | None:
        """After ``dismiss``: how it ended, or ``None`` as long as it has not.

        Nobody waits for it: a process that writes to a stalled card ends, killed or not, when the card goes on.
        """
        if self._starting.is_alive():
            return None
        if self._process is None:
            return NEVER_STARTED
        if self._process.poll() is None:
            self._process.kill()  # one that is about to end by itself keeps its own exit code
        return self._process.poll()

    def forget(self, within_s: float) -> None:
        """After ``dismiss``: one that has not ended within that time is left to the kernel."""
        self._starting.join(within_s)
        if self._process is not None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)


def opened(source: Path | int) -> int:
    """A descriptor of one's own for a regular file. Raises ListError."""
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe that nobody writes to must not hold up the loop
        descriptor = os.dup(source) if isinstance(source, int) else os.open(source, flags)
    except OSError as error:
        raise ListError(Unfit.DISK, f"{source} cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ListError(Unfit.NOT_A_LIST, f"{source} is no file")
    return descriptor
