from __future__ import annotations

import hashlib
import hmac
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from device.errors import UsageError, VerificationError
from device.events.pseudonyms import DAYS_MAX, DayKey, from_json
from provisioning.authority import sites
from provisioning.authority.sites import Master

MONDAY = date(2026, 11, 16)
MASTER = Master(MONDAY, b"m" * 32)


def test_the_golden_keys_are_what_they_always_were() -> None:
    """A gate that comes later must get the keys that the others of its site hold, whatever version made them."""
    keys = [MASTER.on(MONDAY + timedelta(days)).day_key().key.hex()[:16] for days in (0, 1, 60)]
    assert keys == ["f56bb444084e8008", "950ccae2a6f7204f", "912508b39b16666f"]


def test_a_day_s_key_is_the_keyed_hash_of_the_day() -> None:
    expected = hmac.new(b"m" * 32, b"qrgate-site-day-key-v1" + b"2026-11-16", hashlib.sha256).digest()
    assert MASTER.day_key() == DayKey(MONDAY, expected)


def test_turning_day_by_day_or_at_once_is_the_same() -> None:
    turned = MASTER
    for days in range(1, 40):
        turned = turned.on(MONDAY + timedelta(days))
        assert turned == MASTER.on(MONDAY + timedelta(days))


def test_no_key_of_a_gate_is_a_master_nor_another_day_s_key() -> None:
    masters = [MASTER.on(MONDAY + timedelta(days)) for days in range(20)]
    assert len({each.key for each in masters} | {each.day_key().key for each in masters}) == 40


def test_the_office_hands_over_today_and_the_days_ahead_and_keeps_no_past_day(tmp_path: Path) -> None:
    first = sites.hand_over(tmp_path, "s-999", MONDAY, 3)
    path = tmp_path / "s-999.master.json"
    before = sites.read(path)
    later = sites.hand_over(tmp_path, "s-999", MONDAY + timedelta(2), 3)
    assert ([each.day for each in (first.in_use, *first.ahead)], first.ahead[1:]) == (
        [MONDAY + timedelta(days) for days in range(4)],
        (later.in_use, later.ahead[0]),
    )
    assert before.key.hex() not in path.read_text()
    assert (sites.read(path), stat.S_IMODE(path.stat().st_mode)) == (before.on(MONDAY + timedelta(2)), 0o600)


def test_a_date_before_the_last_one_or_beyond_ten_years_is_refused(tmp_path: Path) -> None:
    sites.hand_over(tmp_path, "s-999", MONDAY)
    before = (tmp_path / "s-999.master.json").read_bytes()
    for days in (-1, 3661):
        with pytest.raises(UsageError) as caught:
            sites.hand_over(tmp_path, "s-999", MONDAY + timedelta(days))
        assert caught.value.what == f"this machine's date is {MONDAY + timedelta(days)}, and this site's keys were last made on 2026-11-16"
    assert (tmp_path / "s-999.master.json").read_bytes() == before


@pytest.mark.parametrize("days", [-1, DAYS_MAX])
def test_too_many_days_are_refused(tmp_path: Path, days: int) -> None:
    with pytest.raises(UsageError):
        sites.hand_over(tmp_path, "s-999", MONDAY, days)


def test_as_many_days_as_may_be_are_read_by_the_gate(tmp_path: Path) -> None:
    held = sites.hand_over(tmp_path, "s-999", MONDAY, DAYS_MAX - 1)
    sites.write_keys(tmp_path / "pseudonym.json", held)
    assert from_json((tmp_path / "pseudonym.json").read_bytes()) == held


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"date": "2026-11-01"}', '{"date": 1, "key": 2}', '{"date": "2026-11-01", "key": "ab"}'])
def test_a_damaged_master_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "s-999.master.json").write_text(content)
    with pytest.raises(VerificationError, match="is no master of a site's keys, or a damaged one"):
        sites.hand_over(tmp_path, "s-999", MONDAY)


def test_a_master_is_never_shown() -> None:
    assert repr(MASTER) == "Master(day=datetime.date(2026, 11, 16))"
