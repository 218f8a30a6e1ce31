from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from device.domain import ClockTrust, Instant
from device.errors import SettingsError, StoreError
from device.events.pseudonyms import DayKey
from device.gate import keys
from device.gate.keys import Fingerprints, PseudonymKey, write_secret

KEY = bytes(range(32))
FIRST = DayKey(date(2026, 1, 1), KEY)
NOON = datetime(2026, 1, 2, 5, tzinfo=UTC)  # in Viet Nam


def at(utc: datetime, trust: ClockTrust = ClockTrust.TRUSTED) -> Instant:
    return Instant(utc, trust)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    path = tmp_path / "pseudonym.json"
    path.write_text(json.dumps({"date": "2026-01-01", "key": KEY.hex()}), encoding="ascii")
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


# --- the day's key ---------------------------------------------------------------------------------------------


def test_the_key_turns_to_today_and_is_kept(state: Path, first: Path) -> None:
    today = PseudonymKey(state, first).today(at(NOON))
    assert today == FIRST.on(date(2026, 1, 2)) != FIRST
    assert json.loads((state / "pseudonym.json").read_text("ascii")) == {"date": "2026-01-02", "key": today.key.hex()}
    assert PseudonymKey(state, first).today(at(NOON)) == today


def test_the_key_of_yesterday_is_overwritten(state: Path, first: Path) -> None:
    key = PseudonymKey(state, first)
    yesterday = key.today(at(NOON))
    key.today(at(datetime(2026, 1, 3, 5, tzinfo=UTC)))
    assert [yesterday.key.hex().encode() in path.read_bytes() for path in state.iterdir()] == [False]


def test_the_day_turns_at_midnight_in_viet_nam(state: Path, first: Path) -> None:
    key = PseudonymKey(state, first)
    days = [key.today(at(moment)).day for moment in (datetime(2026, 1, 1, 16, 59, 59, tzinfo=UTC), datetime(2026, 1, 1, 17, tzinfo=UTC))]
    assert days == [date(2026, 1, 1), date(2026, 1, 2)]


def test_a_clock_that_is_not_trusted_turns_nothing(state: Path, first: Path) -> None:
    assert PseudonymKey(state, first).today(at(NOON, ClockTrust.UNTRUSTED)) == FIRST
    assert json.loads((state / "pseudonym.json").read_text("ascii")) == {"date": "2026-01-01", "key": KEY.hex()}


def test_a_clock_that_went_back_keeps_the_key(state: Path, first: Path) -> None:
    key = PseudonymKey(state, first)
    today = key.today(at(NOON))
    assert key.today(at(datetime(2025, 12, 1, tzinfo=UTC))) == today


def hand_over(path: Path, key: DayKey) -> None:
    path.write_text(json.dumps({"date": key.day.isoformat(), "key": key.key.hex()}), encoding="ascii")


def test_the_first_key_is_taken_over_and_erased_so_that_past_days_stay_past(state: Path, first: Path) -> None:
    today = PseudonymKey(state, first).today(at(NOON))
    assert (first.exists(), [path.name for path in state.iterdir()]) == (False, ["pseudonym.json"])
    assert PseudonymKey(state, first).today(at(NOON)) == today


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2), date(2026, 2, 1)])
def test_the_same_site_s_key_of_any_day_handed_over_again_changes_nothing(state: Path, first: Path, day: date) -> None:
    hand_over(first, DayKey(date(2025, 12, 31), KEY))
    today = PseudonymKey(state, first).today(at(NOON))
    hand_over(first, DayKey(date(2025, 12, 31), KEY).on(day))
    assert (PseudonymKey(state, first).today(at(NOON)), first.exists()) == (today, False)


def test_another_site_s_key_replaces_the_one_in_use(state: Path, first: Path) -> None:
    PseudonymKey(state, first).today(at(NOON))
    other = DayKey(date(2026, 1, 1), bytes(32))
    hand_over(first, other)
    assert (PseudonymKey(state, first).today(at(NOON)), first.exists()) == (other.on(date(2026, 1, 2)), False)


def test_a_first_key_that_cannot_be_erased_is_told(tmp_path: Path) -> None:
    """A folder cannot be unlinked, no more than a file in a folder of somebody else's; root may everything else."""
    assert keys._erase(tmp_path) == tmp_path


HINT = "`qrgate-provision init` makes it; copy it with the settings"


def test_a_missing_key_is_a_mistake_of_the_settings(state: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, tmp_path / "missing.json")
    assert (caught.value.what, caught.value.hint) == (f"no pseudonym key at {tmp_path}/missing.json: No such file or directory", HINT)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"date": "2026-01-01"}',
        b'{"date": "yesterday", "key": "00"}',
        b'{"date": 1, "key": "00"}',
        b'{"date": "2026-01-01", "key": 7}',
        b'{"date": "2026-01-01", "key": "xy"}',
    ],
)
def test_a_file_that_holds_no_key_is_a_mistake_of_the_settings(state: Path, first: Path, content: bytes) -> None:
    first.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, first)
    assert (caught.value.what, caught.value.hint) == (f"{first} holds no pseudonym key", HINT)


def test_a_short_key_is_a_mistake_of_the_settings(state: Path, first: Path) -> None:
    first.write_text('{"date": "2026-01-01", "key": "abcd"}', encoding="ascii")
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, first)
    assert caught.value.what == f"{first} holds a key of 2 bytes instead of 32"


def test_a_key_that_cannot_be_kept_is_a_store_error_and_does_not_turn(state: Path, first: Path) -> None:
    key = PseudonymKey(state, first)
    shutil.rmtree(state)
    with pytest.raises(StoreError):
        key.today(at(NOON))
    assert key.today(at(NOON, ClockTrust.UNTRUSTED)) == FIRST


# --- fingerprints ----------------------------------------------------------------------------------------------


def test_the_same_bytes_have_the_same_fingerprint_also_after_a_restart(state: Path) -> None:
    before, after = Fingerprints(state), Fingerprints(state)
    assert before.of(b"a") == after.of(b"a") != after.of(b"b")
    assert len(before.of(b"a")) == 16


def test_another_gate_has_other_fingerprints(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    one, two = (Fingerprints(folder) for folder in folders)
    assert one.of(b"a") != two.of(b"a")


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_fingerprint_key_is_told_and_not_used(state: Path, content: bytes) -> None:
    (state / "fingerprint.key").write_bytes(content)
    with pytest.raises(StoreError) as caught:
        Fingerprints(state)
    assert caught.value.what == f"{state}/fingerprint.key holds {len(content)} bytes instead of 32"


def test_a_state_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Fingerprints(tmp_path / "missing")
    assert caught.value.what == f"{tmp_path}/missing/fingerprint.key cannot be written: No such file or directory"


# --- writing ---------------------------------------------------------------------------------------------------


def test_a_secret_is_only_its_owner_s_and_leaves_nothing_beside_it(state: Path) -> None:
    for content in (b"old", b"new"):
        write_secret(state / "a.key", content)
    (path,) = state.iterdir()
    assert (path.name, path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == ("a.key", b"new", 0o600)
