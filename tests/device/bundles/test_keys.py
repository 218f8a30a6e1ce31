from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from device.bundles import strict
from device.bundles.keys import keys_content, read_keys
from device.errors import VerificationError
from device.events.pseudonyms import DayKey, HeldKeys

HELD = HeldKeys("s-999", DayKey(date(2026, 11, 16), b"a" * 32), (DayKey(date(2026, 11, 17), b"b" * 32),))
DAYS = {"2026-11-16": b"a" * 32}


def test_what_the_office_wrote_is_read() -> None:
    assert read_keys(strict.decode(strict.encode(keys_content(HELD))), site="s-999") == HELD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        {},
        {"site": "s-999"},
        {"site": "s-999", "days": {}},
        {"site": "s-999", "days": {"2026-11-16": "a" * 32}},
        {"site": "s-999", "days": DAYS, "own": True},
        {"site": "s-999", "days": DAYS, "more": 1},
    ],
)
def test_what_is_no_set_is_refused(content: Any) -> None:
    with pytest.raises(VerificationError):
        read_keys(content, site="s-999")


def test_keys_of_another_site_are_refused() -> None:
    with pytest.raises(VerificationError, match="the day keys of site s-999, not of s-998"):
        read_keys(keys_content(HELD), site="s-998")
