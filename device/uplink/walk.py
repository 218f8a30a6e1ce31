"""A way through the gate's outbox, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from device.domain import StoredEvent


class Walk:
    """From behind sequence ``after`` up to ``to``. ``after`` moves on with each page; the gate is asked for what follows it."""

    def __init__(self, after: int, to: int) -> None:
        self.after = after
        self.to = to

    @property
    def done(self) -> bool:
        return self.after >= self.to

    def take(self, page: Sequence[StoredEvent]) -> list[StoredEvent]:
        """What of ``page``, the gate's answer, lies on this way. A page with nothing of it is the end."""
        taken = [event for event in page if self.after < event.sequence <= self.to]
        beyond = not taken or page[-1].sequence > self.to
        self.after = self.to if beyond else taken[-1].sequence
        return taken
