"""One table of a bundle's content, read key by key: a wrong value is told with its place, and so is a key that nobody read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from device.errors import VerificationError

SECONDS = range(2**40)  # since 1970
TEXT_MAX = 2048
HINT = "the office's tools write it right: is one of them older or newer than this gate?"


class Fields:
    """``where`` names the table in what is told; values are never repeated, since some are secrets."""

    def __init__(self, where: str, table: object) -> None:
        if not isinstance(table, Mapping):
            raise wrong(where, "is no table")
        self._where = where
        self._table: Mapping[str, Any] = table
        self._unread = set(table)

    def octets(self, name: str, sizes: Collection[int]) -> bytes:
        value = self._required(name)
        if type(value) is not bytes or len(value) not in sizes:
            raise wrong(self._place(name), "is not the bytes it should be")
        return value

    def text(self, name: str, *, pattern: str = "") -> str:
        value = self._required(name)
        if type(value) is not str or len(value) > TEXT_MAX or (pattern and not re.fullmatch(pattern, value)):
            raise wrong(self._place(name), "is not the text it should be")
        return value

    def seconds(self, name: str) -> int | None:
        """Seconds since 1970; ``None`` where it is left out."""
        value = self._optional(name)
        if value is not None and (type(value) is not int or value not in SECONDS):
            raise wrong(self._place(name), "is no time")
        return value

    def whole(self, name: str, within: range) -> int:
        """A whole number that ``within`` holds."""
        value = self._required(name)
        if type(value) is not int or value not in within:
            raise wrong(self._place(name), "is not the number it should be")
        return value

    def list(self, name: str, longest: int) -> tuple[Any, ...]:
        """Empty where it is left out."""
        value = self._optional(name)
        if value is not None and (type(value) is not list or len(value) > longest):
            raise wrong(self._place(name), f"is no list of at most {longest}")
        return tuple(value or ())

    def table(self, name: str, longest: int) -> Mapping[str, Any]:
        """Empty where it is left out."""
        value = self._optional(name)
        if value is not None and (type(value) is not dict or len(value) > longest):
            raise wrong(self._place(name), f"is no table of at most {longest}")
        return value or {}

    def end(self) -> None:
        if self._unread:
            raise wrong(self._where, f"has {len(self._unread)} keys that this gate does not know")

    def _required(self, name: str) -> Any:
        if name not in self._table:
            raise wrong(self._where, f"lacks {name!r}")
        return self._optional(name)

    def _optional(self, name: str) -> Any:
        self._unread.discard(name)
        return self._table.get(name)

    def _place(self, name: str) -> str:
        return f"{self._where}.{name}"


def wrong(place: str, what: str) -> VerificationError:
    return VerificationError(f"{place} {what}", hint=HINT)
