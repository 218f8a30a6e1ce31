from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.admission.lists import ListKind
from device.bundles.envelope import BUNDLE_MAX
from device.clock import NS
from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreError
from device.gate import inbox
from device.gate.inbox import LOOK_NS, REFUSALS_A_MINUTE, Inbox
from device.gate.lists import Lists
from tests.lists import Province as ListOffice
from tests.lists import persons

NOW, FLOOR = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


class Halt(BaseException):
    """The gate dies here."""


@dataclass
class Taker:
    """Stands for the province: it takes what begins with ``good``, and stumbles as it is told to."""

    taken: list[bytes] = field(default_factory=list)
    passed_s: list[int] = field(default_factory=list)
    stumbles: BaseException | None = None

    def take(self, data: bytes, *, passed_s: int) -> bool:
        self.taken.append(data)
        self.passed_s.append(passed_s)
        if self.stumbles:
            raise self.stumbles
        return data.startswith(b"good")


class Desk:
    """An inbox with all that it told; ``turn`` is one turn of the gate's loop."""

    def __init__(self, state: Path, *, with_lists: bool = False) -> None:
        self.folder = state / "inbox"
        self.told: list[tuple[EventType, dict[str, Any]]] = []
        self.office = ListOffice()
        self.lists = Lists(state / "lists", self.office.list_key, self.office.recipient, tell=self._tell, reserve=0) if with_lists else None
        self.taker = Taker()
        self.trust = ClockTrust.TRUSTED
        self.ticks_ns = 0
        self.inbox = Inbox(state, self.taker, self.lists, now=lambda: Instant(NOW, self.trust), floor=lambda: FLOOR, tell=self._tell)  # type: ignore[arg-type]

    def _tell(self, kind: EventType, facts: dict[str, Any]) -> None:
        self.told.append((kind, facts))

    def put(self, name: str, content: bytes = b"good") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def turn(self, after_ns: int = LOOK_NS) -> None:
        self.ticks_ns += after_ns
        self.inbox.look(self.ticks_ns)

    def turn_until_idle(self) -> None:
        assert self.lists is not None
        assert self.lists.wait(60)
        self.turn()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def alarms(self) -> list[str]:
        return [facts["why"] for kind, facts in self.told if kind is EventType.ALARM]

    def close(self) -> None:
        if self.lists is not None:
            self.lists.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path)) as desk:
        yield desk


@pytest.fixture
def listing(tmp_path: Path) -> Iterator[Desk]:
    with closing(Desk(tmp_path, with_lists=True)) as desk:
        yield desk


# --- bundles ---------------------------------------------------------------------------------------------------


def test_each_bundle_is_taken_once_by_name_one_in_a_turn_and_taken_away(desk: Desk) -> None:
    desk.put("b.bundle", b"good b")
    desk.put("a.bundle", b"good a")
    desk.turn()
    assert (desk.taker.taken, desk.names()) == ([b"good a"], ["b.bundle"])
    desk.turn(after_ns=0)
    desk.turn()
    assert (desk.taker.taken, desk.names(), desk.told) == ([b"good a", b"good b"], [], [])


def test_an_empty_inbox_is_looked_at_every_two_seconds(desk: Desk) -> None:
    desk.turn()
    desk.put("a.bundle")
    desk.turn(after_ns=LOOK_NS - 1)
    assert desk.names() == ["a.bundle"]
    desk.turn(after_ns=1)
    assert desk.names() == []


def test_a_file_that_is_still_being_written_is_left_alone(desk: Desk) -> None:
    desk.put(".a.bundle")
    desk.turn()
    assert (desk.names(), desk.taker.taken) == ([".a.bundle"], [])


def test_a_bundle_is_refused_with_what_has_certainly_passed_by_the_clock_or_its_floor(desk: Desk) -> None:
    desk.put("a.bundle")
    desk.turn()
    desk.trust = ClockTrust.UNTRUSTED
    desk.put("a.bundle")
    desk.turn()
    assert desk.taker.passed_s == [int(NOW.timestamp()), int(FLOOR.timestamp())]


def test_a_refused_bundle_is_taken_away_too(desk: Desk) -> None:
    desk.put("a.bundle", b"bad")
    desk.turn()
    assert (desk.names(), desk.told) == ([], [])  # whoever refused it tells why


def test_of_a_file_larger_than_any_bundle_no_more_is_read_than_shows_that(desk: Desk) -> None:
    with desk.put("a.bundle").open("r+b") as file:
        file.truncate(BUNDLE_MAX * 5000)  # sparse: five gigabytes that are not there
    desk.turn()
    assert ([len(data) for data in desk.taker.taken], desk.names()) == ([BUNDLE_MAX + 1], [])


def test_what_cannot_be_kept_now_stays_and_is_tried_again(desk: Desk) -> None:
    desk.put("a.bundle")
    desk.taker.stumbles = StoreError("the disk is full")
    desk.turn()
    assert (desk.names(), desk.told) == (["a.bundle"], [])
    desk.taker.stumbles = None
    desk.turn()
    assert (len(desk.taker.taken), desk.names()) == (2, [])


def test_a_bundle_over_which_its_reader_stumbles_does_not_end_the_gate(desk: Desk) -> None:
    desk.put("a.bundle")
    desk.taker.stumbles = RecursionError("deep")
    desk.turn()
    assert (desk.names(), desk.told) == ([], [(EventType.ALARM, {"what": "inbox_refused", "why": "fault"})])


def test_a_gate_that_dies_while_it_takes_a_bundle_finds_it_again(desk: Desk) -> None:
    desk.put("a.bundle")
    desk.taker.stumbles = Halt()
    with pytest.raises(Halt):
        desk.turn()
    assert desk.names() == ["a.bundle"]


# --- what is no bundle -----------------------------------------------------------------------------------------


def link(path: Path) -> None:
    path.with_name(".real").write_bytes(b"good")
    path.symlink_to(".real")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("name", "make", "why", "left"),
    [
        ("photo.jpg", lambda path: path.write_bytes(b"x"), "no_such_kind", []),
        ("bundle", lambda path: path.write_bytes(b"x"), "no_such_kind", []),
        ("a.list", lambda path: path.write_bytes(b"x"), "no_list_key", []),
        ("a.bundle", link, "unreadable", [".real"]),
        ("a.bundle", loop, "unreadable", []),
        ("a.bundle", os.mkfifo, "no_file", []),
        ("a.bundle", Path.mkdir, "no_file", ["a.bundle"]),
    ],
)
def test_what_is_no_file_of_a_kind_that_is_taken_is_an_alarm_once_and_never_waited_for(
    desk: Desk, name: str, make: Any, why: str, left: list[str]
) -> None:
    make(desk.folder / name)
    for _ in range(100):
        desk.turn()
    assert (desk.told, desk.taker.taken, desk.names()) == ([(EventType.ALARM, {"what": "inbox_refused", "why": why})], [], left)


def test_what_cannot_be_taken_away_keeps_nothing_else_from_being_taken(desk: Desk) -> None:
    for number in range(3):
        (desk.folder / f"a{number}.bundle").mkdir()
    desk.put("z.bundle")
    for _ in range(5):
        desk.turn()
    assert (desk.alarms(), desk.taker.taken) == (["no_file"] * 3, [b"good"])


def test_another_file_under_the_name_of_one_that_could_not_be_taken_away_is_looked_at(desk: Desk) -> None:
    stuck = desk.folder / "a.bundle"
    stuck.mkdir()
    desk.turn()
    stuck.rmdir()
    desk.put("a.bundle")
    desk.turn()
    assert (desk.taker.taken, desk.names()) == ([b"good"], [])


def test_a_flood_of_junk_is_a_few_alarms_a_minute(desk: Desk) -> None:
    for number in range(50):
        desk.put(f"{number:02}.jpg")
    for _ in range(60):
        desk.turn(after_ns=NS)
    assert len(desk.alarms()) == REFUSALS_A_MINUTE
    desk.turn(after_ns=NS)
    assert len(desk.alarms()) == REFUSALS_A_MINUTE + 1


@pytest.mark.parametrize("stumbles", [None, StoreError("the disk is full"), RecursionError("deep")])
def test_whatever_does_not_succeed_spends_the_same_budget(desk: Desk, stumbles: BaseException | None) -> None:
    for number in range(50):
        desk.put(f"{number:02}.bundle", b"bad")
    desk.taker.stumbles = stumbles
    for _ in range(60):
        desk.turn(after_ns=NS)
    assert len(desk.taker.taken) == REFUSALS_A_MINUTE


def test_what_succeeds_spends_none(desk: Desk) -> None:
    for number in range(50):
        desk.put(f"{number:02}.bundle")
    for _ in range(50):
        desk.turn(after_ns=NS)
    assert len(desk.taker.taken) == 50


def test_only_the_gates_user_may_put_files_there(desk: Desk) -> None:
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700


def test_a_folder_of_very_many_names_is_looked_at_in_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "NAMES_MAX", 3)
    for number in range(10):
        desk.put(f"{number}.bundle")
    for _ in range(10):
        desk.turn()
    assert (len(desk.taker.taken), desk.names()) == (10, [])


def test_a_folder_that_is_gone_is_no_end_of_the_gate(desk: Desk) -> None:
    desk.folder.rmdir()
    desk.turn()
    assert desk.told == []


def test_a_folder_that_cannot_be_made_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be made"):
        Desk(tmp_path)


# --- lists -----------------------------------------------------------------------------------------------------


def a_list(desk: Desk, version: int) -> bytes:
    return desk.office.whole(ListKind.DENY, version, desk.office.body(persons(range(3))))


def test_a_list_stays_until_it_is_told_what_became_of_it(listing: Desk) -> None:
    listing.put("a.list", a_list(listing, 1))
    listing.turn()
    assert (listing.names(), listing.told) == (["a.list"], [])
    listing.turn_until_idle()
    assert (listing.names(), [facts["what"] for _, facts in listing.told]) == ([], ["list_in_force"])


def test_a_gate_that_dies_while_a_list_is_checked_takes_it_after_its_next_start(listing: Desk, tmp_path: Path) -> None:
    listing.put("a.list", a_list(listing, 1))
    listing.turn()
    listing.close()
    with closing(Desk(tmp_path, with_lists=True)) as again:
        again.turn()
        again.turn_until_idle()
        assert (again.names(), [facts["what"] for _, facts in again.told]) == ([], ["list_in_force"])


def test_lists_are_taken_one_after_the_other_and_bundles_wait_for_them(listing: Desk) -> None:
    for version in range(1, 4):
        listing.put(f"{version}.list", a_list(listing, version))
    listing.put("z.bundle")
    listing.turn()
    listing.turn()
    assert (listing.names(), listing.taker.taken) == (["1.list", "2.list", "3.list", "z.bundle"], [])
    for _ in range(3):
        listing.turn_until_idle()
    listing.turn()
    assert [facts.get("version") for _, facts in listing.told] == [1, 2, 3]
    assert (listing.names(), listing.taker.taken) == ([], [b"good"])


def test_lists_spend_no_budget_of_refusals(listing: Desk) -> None:
    for version in range(1, REFUSALS_A_MINUTE + 2):
        listing.put(f"{version}.list", a_list(listing, version))
    listing.turn()
    for _ in range(REFUSALS_A_MINUTE + 1):
        listing.turn_until_idle()
    assert (listing.names(), len(listing.told)) == ([], REFUSALS_A_MINUTE + 1)


def test_a_list_that_is_refused_is_told_and_taken_away(listing: Desk) -> None:
    listing.put("a.list", b"QGLIST1F nothing")
    listing.turn()
    listing.turn_until_idle()
    assert (listing.names(), [facts["what"] for _, facts in listing.told]) == ([], ["list_refused"])


def test_a_list_that_came_under_the_same_name_meanwhile_is_taken_as_well(listing: Desk) -> None:
    listing.put("a.list", a_list(listing, 1))
    listing.turn()
    listing.put(".b", a_list(listing, 2)).replace(listing.folder / "a.list")
    listing.turn_until_idle()
    listing.turn_until_idle()
    assert ([facts.get("version") for _, facts in listing.told], listing.names()) == ([1, 2], [])
