"""What ends the reading of a health certificate early."""

from __future__ import annotations

from device.domain import Misread
from device.errors import VerificationError


class BrokenError(VerificationError):
    """The text breaks a rule of its format. ``misread`` is what it is instead; the words repeat nothing of it."""

    def __init__(self, what: str, misread: Misread = Misread.MALFORMED) -> None:
        super().__init__(what)
        self.misread = misread
