from __future__ import annotations

import shutil
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from device.domain import ClockTrust, Instant
from device.errors import SettingsError, StoreError
from device.events.pseudonyms import DayKey, HeldKeys, from_json, to_json
from device.gate import keys
from device.gate.keys import Fingerprints, PseudonymKey, write_secret

NOON = datetime(2026, 1, 2, 5, tzinfo=UTC)  # in Viet Nam
SITE = "s-999"
FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


def key(day: date, line: int = 0) -> DayKey:
    return DayKey(day, (line << 32 | day.toordinal()).to_bytes(8, "big") * 4)


def office(first: date, days: int, *, site: str = SITE, line: int = 0) -> HeldKeys:
    """The office's keys for ``days`` days; another ``line`` is another master's."""
    keys = [key(first + timedelta(each), line) for each in range(days)]
    return HeldKeys(site, keys[0], tuple(keys[1:]))


def at(utc: datetime, trust: ClockTrust = ClockTrust.TRUSTED) -> Instant:
    return Instant(utc, trust)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    path = tmp_path / "pseudonym.json"
    path.write_text(to_json(office(FIRST, 60)), encoding="ascii")
    return path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


# --- the day's key ---------------------------------------------------------------------------------------------


def kept(state: Path) -> HeldKeys:
    return from_json((state / "pseudonym.json").read_bytes())


def test_the_key_of_today_is_used_and_those_ahead_are_kept(state: Path, first: Path) -> None:
    today = PseudonymKey(state, first, SITE).today(at(NOON))
    assert (today, kept(state)) == (key(SECOND), office(SECOND, 59))
    assert PseudonymKey(state, first, SITE).today(at(NOON)) == today


def test_the_key_of_yesterday_is_destroyed(state: Path, first: Path) -> None:
    keys = PseudonymKey(state, first, SITE)
    yesterday = keys.today(at(NOON))
    keys.today(at(NOON + timedelta(1)))
    assert [yesterday.key.hex().encode() in path.read_bytes() for path in state.iterdir()] == [False]


def test_the_day_begins_at_midnight_in_viet_nam(state: Path, first: Path) -> None:
    keys = PseudonymKey(state, first, SITE)
    days = [keys.today(at(moment)).day for moment in (datetime(2026, 1, 1, 16, 59, 59, tzinfo=UTC), datetime(2026, 1, 1, 17, tzinfo=UTC))]
    assert days == [FIRST, SECOND]


def test_a_clock_that_is_not_trusted_destroys_nothing(state: Path, first: Path) -> None:
    assert PseudonymKey(state, first, SITE).today(at(NOON, ClockTrust.UNTRUSTED)) == key(FIRST)
    assert kept(state) == office(FIRST, 60)


def test_a_clock_that_went_back_keeps_the_key(state: Path, first: Path) -> None:
    keys = PseudonymKey(state, first, SITE)
    today = keys.today(at(NOON))
    assert keys.today(at(datetime(2025, 12, 1, tzinfo=UTC))) == today


def test_when_the_keys_run_out_the_gate_makes_its_own_for_each_day_and_tells_it_once(state: Path, first: Path) -> None:
    keys, after = PseudonymKey(state, first, SITE), NOON + timedelta(59)
    one, again = keys.today(at(after)), PseudonymKey(state, first, SITE).today(at(after))
    assert (one.day, one.own, one, len(one.key)) == (date(2026, 3, 2), True, again, 32)
    assert ([keys.alarms(), keys.alarms()]) == [[{"what": "pseudonym_key_own", "day": "2026-03-02"}], []]
    other = keys.today(at(after + timedelta(1)))
    assert (other.day, other.own, other.key == one.key) == (date(2026, 3, 3), True, False)
    assert one.key.hex() not in (state / "pseudonym.json").read_text("ascii")
    assert keys.alarms() == [{"what": "pseudonym_key_own", "day": "2026-03-03"}]


def test_the_last_seven_days_are_told_once_each(state: Path, first: Path) -> None:
    keys = PseudonymKey(state, first, SITE)
    told = []
    for days in range(50, 59):
        for _ in range(2):
            keys.today(at(NOON + timedelta(days)))
            told += keys.alarms()
    assert told == [{"what": "pseudonym_keys_low", "days_left": left} for left in (6, 5, 4, 3, 2, 1, 0)]


# --- handing over ----------------------------------------------------------------------------------------------


def hand_over(path: Path, held: HeldKeys) -> None:
    path.write_text(to_json(held), encoding="ascii")


def test_the_keys_are_taken_over_and_erased_where_they_lay(state: Path, first: Path) -> None:
    today = PseudonymKey(state, first, SITE).today(at(NOON))
    assert (first.exists(), [path.name for path in state.iterdir()]) == (False, ["pseudonym.json"])
    assert PseudonymKey(state, first, SITE).today(at(NOON)) == today


def test_the_first_set_handed_over_again_brings_no_past_day_back(state: Path, first: Path) -> None:
    PseudonymKey(state, first, SITE).today(at(NOON))
    hand_over(first, office(FIRST, 60))
    keys = PseudonymKey(state, first, SITE)
    assert (kept(state), keys.today(at(NOON)), first.exists()) == (office(SECOND, 59), key(SECOND), False)


def test_a_later_set_replaces_all_keys_also_after_a_theft(state: Path, first: Path) -> None:
    PseudonymKey(state, first, SITE).today(at(NOON))
    hand_over(first, office(SECOND, 60, line=1))
    assert (PseudonymKey(state, first, SITE).today(at(NOON)), kept(state)) == (key(SECOND, 1), office(SECOND, 60, line=1))


def test_a_gate_that_moves_to_another_site_needs_and_takes_that_site_s_keys(state: Path, first: Path) -> None:
    PseudonymKey(state, first, SITE).today(at(NOON))
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, first, "s-998")
    assert caught.value.what == f"{state}/pseudonym.json holds the pseudonym keys of site s-999, not of s-998"
    hand_over(first, office(FIRST, 60, site="s-998", line=1))
    assert (PseudonymKey(state, first, "s-998").today(at(NOON)), kept(state).site, first.exists()) == (key(SECOND, 1), "s-998", False)


def test_keys_of_another_site_are_not_taken_over(state: Path, first: Path) -> None:
    hand_over(first, office(FIRST, 60, site="s-998"))
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, first, SITE)
    assert caught.value.what == f"{first} holds the pseudonym keys of site s-998, not of s-999"
    assert (first.exists(), list(state.iterdir())) == (True, [])


def test_a_set_that_comes_while_the_gate_runs_is_kept(state: Path, first: Path) -> None:
    keys = PseudonymKey(state, first, SITE)
    keys.today(at(NOON + timedelta(100)))
    later = office(date(2026, 4, 12), 60)
    keys.renew(later)
    assert (keys.today(at(NOON + timedelta(100))), kept(state)) == (later.in_use, later)


def test_keys_that_cannot_be_erased_are_told(tmp_path: Path) -> None:
    """A folder cannot be unlinked, no more than a file in a folder of somebody else's; root may everything else."""
    assert keys.erase(tmp_path) == tmp_path


HINT = "`qrgate-provision init` makes it; copy it with the settings"


def test_a_missing_key_is_a_mistake_of_the_settings(state: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, tmp_path / "missing.json", SITE)
    assert (caught.value.what, caught.value.hint) == (f"no pseudonym key at {tmp_path}/missing.json: No such file or directory", HINT)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"date": "2026-01-01", "key": "00"}'])
def test_a_file_that_holds_no_key_is_a_mistake_of_the_settings(state: Path, first: Path, content: bytes) -> None:
    first.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        PseudonymKey(state, first, SITE)
    assert (caught.value.what, caught.value.hint) == (f"{first} holds no pseudonym key", HINT)


def test_a_key_that_cannot_be_kept_is_a_store_error_and_is_not_used(state: Path, first: Path) -> None:
    keys = PseudonymKey(state, first, SITE)
    shutil.rmtree(state)
    with pytest.raises(StoreError):
        keys.today(at(NOON))
    assert (keys.today(at(NOON, ClockTrust.UNTRUSTED)), keys.alarms()) == (key(FIRST), [])


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
