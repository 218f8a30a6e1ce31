"""One scan module from the opening of its port to its loss: set up, asked for signs of life, triggered, heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device.clock import NS, monotonic_ns
from device.errors import ScannerError
from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners import Answer, Request, ScanModule, Talk, open_scanner, setup_codes
from device.reader.scanners.port import Port
from device.settings import Scanner

SETTLE_NS = NS // 5
"""What arrives so soon after the opening may be the end of a text whose beginning nobody saw."""

ANSWER_NS = NS // 2
"""Of silence. A GM65 answers within some 40 ms (so long its drivers wait); an answer may have to wait for the text before it."""

UNANSWERED_MAX = 3

ASK_NS = 2 * NS
PAUSE_NS = 3 * NS // 10
"""On command: from one text to the next reading. A code that is held is then heard some three times a second."""

BITS_A_BYTE = 10  # 8N1: with start and stop bit

QUIET_NS = NS // 4
"""At 9600 baud a byte takes 1 ms: after such a gap no text is under way."""


class Wire(Protocol):
    """What a session needs of ``Port``."""

    @property
    def name(self) -> str: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Counts:
    """Since the reader started, over all sessions. ``unheard``: texts that came before the module was set up."""

    texts: int = 0
    unheard: int = 0
    answers: int = 0
    failures: int = 0


class Session:
    """Never waits longer than one read of its port. ``ready``: the module is set up, and what it sends is believed."""

    def __init__(self, port: Wire, module: ScanModule, counts: Counts, *, baud_rate: int = 9600, clock: Callable[[], int] = monotonic_ns) -> None:
        self._longest_text_ns = PAYLOAD_MAX * BITS_A_BYTE * NS // baud_rate  # 4.5 s at 9600 baud
        self._port = port
        self._module = module
        self._counts = counts
        self._clock = clock
        self._talk: Talk | None = None
        self._request: Request | None = None  # that waits for its answer
        self._content: bytes | None = None  # of an answer, while others to the same request may still come
        self._failures = 0  # of the module, as counted so far
        self._sent_ns = 0
        self._heard_ns = self._opened_ns = clock()
        self._ask_ns = self._opened_ns + SETTLE_NS  # when to ask next; the first time, to set up
        self._unanswered = 0
        self.ready = False

    @property
    def well(self) -> bool:
        """Is it set up, and has it answered whatever was asked last? One that never answers is well while its port is there."""
        return self.ready and self._unanswered == 0

    def step(self) -> list[bytes]:
        """One read of the port; the texts that are complete with it.

        Raises:
            ScannerError: the module is gone, silent, or not as it was set up; it may come back.
            HardwareError: it does not take a setting.
        """
        if self._request is None and self._clock() >= self._ask_ns:
            self._speak()
        data = self._port.read()
        if data:
            self._heard_ns = self._clock()
        texts = self._hear(data)
        self._mind_silence()
        return texts

    def close(self) -> None:
        """Leave the module dark where it was triggered."""
        try:
            if self.ready and self._module.stop:
                self._port.write(self._module.stop)
        except ScannerError:
            pass  # it is gone already, and with it its light
        finally:
            self._port.close()

    def _speak(self) -> None:
        """Begin a talk, or go on in one that waited."""
        if self._talk is None:
            if not self.ready:
                self._module.begin()
            self._talk = self._module.ask() if self.ready else self._module.set_up()
        content, self._content = self._content, None
        self._go_on(content)

    def _go_on(self, content: bytes | None) -> None:
        """Send what comes next in the talk, up to a request that is answered, or its end."""
        talk = self._talk
        assert talk is not None  # noqa: S101
        try:
            request = next(talk) if content is None else talk.send(content)
            while not request.answered:
                self._port.write(request.data)
                request = talk.send(b"")
        except StopIteration:
            self._over()
        else:
            self._request = request
            self._send(quiet=False)

    def _over(self) -> None:
        """The talk is over."""
        self._talk = None
        if self.ready:
            self._ask_ns = self._clock() + ASK_NS
        else:
            self._module.begin()  # it may have come under other settings
            self.ready, self._ask_ns = True, self._clock()

    def _send(self, *, quiet: bool) -> None:
        assert self._request is not None  # noqa: S101
        self._module.asked(quiet=quiet)
        self._port.write(self._request.data)
        self._sent_ns = self._clock()

    def _hear(self, data: bytes) -> list[bytes]:
        texts = []
        for heard in self._module.heard(data):
            if isinstance(heard, Answer):
                self._answered(heard)
            elif self.ready:
                texts.append(heard)
            else:
                self._counts.unheard += 1
        self._counts.failures += self._module.failures - self._failures
        self._failures = self._module.failures
        self._counts.texts += len(texts)
        if texts and self._module.host:
            self._ask_ns = min(self._ask_ns, self._clock() + PAUSE_NS)
        return texts

    def _answered(self, answer: Answer) -> None:
        self._counts.answers += 1
        again = self._unanswered > 0
        self._request, self._unanswered = None, 0
        if again:  # it was asked more than once: no other answer may be taken for that to the next request
            self._content, self._ask_ns = answer.content, self._clock() + ANSWER_NS
        else:
            self._go_on(answer.content)

    def _mind_silence(self) -> None:
        now_ns = self._clock()
        still_ns = now_ns - max(self._sent_ns, self._heard_ns)
        if self._request is None or (still_ns < ANSWER_NS and now_ns - self._sent_ns < ANSWER_NS + self._longest_text_ns):
            return
        self._unanswered += 1
        self._counts.failures += 1
        if self._unanswered >= UNANSWERED_MAX:
            raise ScannerError(
                f"the scan module at {self._port.name} does not answer",
                hint="is TX wired to RX, is scanner.baud_rate its own, and is scanner.model its family? A module that takes no "
                'commands is scanner.model = "terminated"',
            )
        self._send(quiet=still_ns >= QUIET_NS)


def open_session(settings: Scanner, counts: Counts) -> Session:
    """A new session with the module that the settings name.

    Raises:
        ScannerError: there is no such port.
        HardwareError: no model is named.
    """
    module = open_scanner(settings)
    return Session(Port(settings.port, settings.baud_rate), module, counts, baud_rate=settings.baud_rate)


def prove(settings: Scanner, *, within_s: float) -> str:
    """Set the module up as the reader does, and say what is known of it then. For ``qrgate doctor``.

    Raises:
        HardwareError: it is not there, does not answer, or does not take a setting.
    """
    session = open_session(settings, Counts())
    give_up_ns = monotonic_ns() + int(within_s * NS)
    try:
        while not session.ready:
            session.step()
            if monotonic_ns() >= give_up_ns:
                raise ScannerError(f"the scan module at {settings.port} is not set up within {within_s:g} s", hint="does it send without end?")
    finally:
        session.close()
    return f"{settings.model} at {settings.port}: {setup_codes(settings)}"
