"""A stream of bytes, cut into texts at their terminators. Bounded: a module that never ends a text fills nothing."""

from __future__ import annotations

from device.reader.decoders import PAYLOAD_MAX


class Lines:
    """Texts as exact bytes, without the terminator; empty ones (CR LF makes one) are none.

    ``ends`` holds the bytes of which each ends a text. ``failures`` counts what was thrown away: each text longer than
    ``PAYLOAD_MAX``, each piece that was skipped.
    """

    def __init__(self, ends: bytes) -> None:
        self._ends = frozenset(ends)
        self._pending = bytearray()  # begins where a text begins, unless the rest of one is skipped
        self._searched = 0  # bytes of it that hold no terminator
        self._skipping = False
        self.failures = 0

    def add(self, data: bytes) -> None:
        self._pending += data

    def ahead(self, length: int) -> bytes:
        """The first ``length`` bytes, or fewer, of the text that comes next; nothing while the rest of one is skipped."""
        self._skip_on()
        while self._pending and self._pending[0] in self._ends:  # an empty text, such as CR LF leaves
            self.take(1)
        return b"" if self._skipping else bytes(self._pending[:length])

    def take(self, length: int) -> None:
        """Take out the next ``length`` bytes: they are no text."""
        del self._pending[:length]
        self._searched = 0

    def skip(self) -> None:
        """What comes next, up to its terminator, is no text. The terminator may not have come yet."""
        self.failures += 1
        self._skipping = True
        self._skip_on()

    def begin(self) -> None:
        """Forget what is pending, and its end with it: its beginning was not seen."""
        if self._pending:
            self.skip()

    def restart(self) -> None:
        """Forget what is pending: nothing has come for so long that the next byte begins something new."""
        self.failures += bool(self._pending)
        self._pending.clear()
        self._searched, self._skipping = 0, False

    def text(self) -> bytes | None:
        """The next text that is complete, or ``None``."""
        self._skip_on()
        while not self._skipping and (end := self._end()) is not None:
            text = bytes(self._pending[:end])
            self.take(end + 1)
            if 0 < len(text) <= PAYLOAD_MAX:
                return text
            self.failures += len(text) > PAYLOAD_MAX
        if len(self._pending) > PAYLOAD_MAX:
            self.skip()
        return None

    def _skip_on(self) -> None:
        if not self._skipping:
            return
        end = self._end()
        self._skipping = end is None
        self.take(len(self._pending) if end is None else end + 1)

    def _end(self) -> int | None:
        """Where the next terminator stands."""
        for place in range(self._searched, len(self._pending)):
            if self._pending[place] in self._ends:
                return place
        self._searched = len(self._pending)
        return None
