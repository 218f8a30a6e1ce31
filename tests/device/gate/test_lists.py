from __future__ import annotations

import hashlib
import os
import random
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.admission.list_file import FILE_MAX, Base
from device.admission.lists import ENTRIES_MAX, ListKind, hash_of
from device.domain import ClockTrust, Instant
from device.errors import StoreError
from device.gate.list_intake import WAITING_MAX
from device.gate.list_mapped import ListState
from device.gate.list_order import Handed
from tests.lists import DAY_S, ISSUED_S, Desk, Province, body_of, in_force, persons, random_body, refused

KILLS = 12
DENY = ListKind.DENY
PROVINCE = Province()
SIX = PROVINCE.body(persons(range(600)))
SEVEN = PROVINCE.body(persons(range(10, 700)))
SOMEBODY, NEWCOMER, STRANGER = persons([20, 650, 7000])


def at(age_s: int) -> Instant:
    return Instant(datetime.fromtimestamp(ISSUED_S + age_s, UTC), ClockTrust.TRUSTED)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path).start()
    yield desk
    desk.lists.close()


def test_a_list_that_is_taken_is_in_force(desk: Desk) -> None:
    assert desk.give(PROVINCE.whole(DENY, 6, SIX)) == in_force(DENY, 6, 600)
    assert (desk.lists.look_up([STRANGER, SOMEBODY]), desk.lists.look_up([STRANGER])) == ({DENY: 0}, {})
    assert desk.names() == ["deny-6.list", "deny.floor"]


def test_without_lists_nobody_is_listed(desk: Desk) -> None:
    assert (desk.lists.look_up([SOMEBODY]), desk.lists.states(at(0)), desk.told) == ({}, {}, [])


def test_an_empty_list_is_a_list(desk: Desk) -> None:
    assert desk.give(PROVINCE.whole(DENY, 6, b"")) == in_force(DENY, 6, 0)
    assert desk.lists.look_up([SOMEBODY]) == {}


def test_the_newer_list_replaces_the_older_and_its_file(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    assert desk.give(PROVINCE.whole(DENY, 7, SEVEN)) == in_force(DENY, 7, 690)
    assert desk.lists.look_up([NEWCOMER]) == {DENY: 0}
    assert (desk.names(), (desk.folder / "lists/deny.floor").read_text()) == (["deny-7.list", "deny.floor"], "7\n")


def test_changes_are_applied_and_kept_as_a_whole_list(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    changes = PROVINCE.changes(DENY, 7, SIX, SEVEN, base=6)
    assert desk.give(changes) == in_force(DENY, 7, 690)
    assert (desk.folder / "lists/deny-7.list").read_bytes()[-len(SEVEN) :] == SEVEN
    again = desk.restarted()
    assert (again.told, again.lists.look_up([NEWCOMER]), again.lists.look_up(persons([3]))) == ([in_force(DENY, 7, 690)], {DENY: 0}, {})
    again.lists.close()


def test_a_descriptor_will_do(desk: Desk) -> None:
    path = desk.folder / "given"
    path.write_bytes(PROVINCE.whole(DENY, 6, SIX))
    with path.open("rb") as file:
        desk.lists.take(file.fileno())
    path.unlink()
    assert desk.lists.wait(60)
    assert desk.told == [in_force(DENY, 6, 600)]


def test_every_kind_has_its_own_list_and_all_are_asked(desk: Desk) -> None:
    for version, kind in enumerate(ListKind, start=1):
        desk.give(PROVINCE.whole(kind, version, SIX))
    assert desk.lists.look_up([SOMEBODY]) == dict.fromkeys(ListKind, 0)
    again = desk.restarted()
    assert {kind: state.version for kind, state in again.lists.states(at(0)).items()} == {kind: n for n, kind in enumerate(ListKind, start=1)}
    again.lists.close()


def test_of_several_names_declared_wins_and_so_does_must_stay(desk: Desk) -> None:
    one, other = persons([1, 2])
    entries = {hash_of(PROVINCE.list_key, one): 0, hash_of(PROVINCE.list_key, other): 1}
    for kind in (ListKind.DECLARED, ListKind.EXPECTED):
        desk.give(PROVINCE.whole(kind, 1, body_of(entries)))
    assert desk.lists.look_up([one, other]) == desk.lists.look_up([other, one]) == {ListKind.DECLARED: 1, ListKind.EXPECTED: 0}


def test_age_and_staleness_are_known_by_a_trusted_clock_only(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    moments = [at(-5), at(DAY_S), at(DAY_S + 1), Instant(at(0).utc, ClockTrust.UNTRUSTED)]
    assert [desk.lists.states(now)[DENY] for now in moments] == [
        ListState(6, 600, 0, stale=False),
        ListState(6, 600, DAY_S, stale=False),
        ListState(6, 600, DAY_S + 1, stale=True),
        ListState(6, 600, None, stale=None),
    ]


# --- what is not taken -----------------------------------------------------------------------------------------


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


GOOD = PROVINCE.whole(DENY, 7, SEVEN)
UNSORTED = SEVEN[12:24] + SEVEN[:12] + SEVEN[24:]
TWICE = SEVEN[:12] + SEVEN[:12] + SEVEN[24:]
SAYS_TOO_MUCH = SEVEN[:11] + b"\x01" + SEVEN[12:]
MEMBERS = tuple(SEVEN[at : at + 12] for at in (0, 1200, len(SEVEN) - 12))
OTHER_KEY = Province(list_key=b"\x98" * 32)
NAMED = (DENY, 7)


@pytest.mark.parametrize(
    ("content", "why", "named"),
    [
        pytest.param(b"", "not_a_list", (), id="nothing"),
        pytest.param(b"QGLIST1F", "not_a_list", (), id="cut short in its head"),
        pytest.param(GOOD[:100], "not_a_list", (), id="cut short in its manifest"),
        pytest.param(b"PK" + GOOD[2:], "not_a_list", (), id="something else"),
        pytest.param(b"QGLIST1F\xff\xff\xff\xff" + GOOD[12:], "not_a_list", (), id="a manifest of four gigabytes"),
        pytest.param(GOOD[:-12], "damaged", NAMED, id="without its last record"),
        pytest.param(GOOD[:-1], "damaged", NAMED, id="cut short by a byte"),
        pytest.param(GOOD + SEVEN[:12], "damaged", NAMED, id="a record too many"),
        pytest.param(flipped(GOOD, len(GOOD) - 100), "damaged", NAMED, id="a bit turned in its records"),
        pytest.param(Province(seed=8).whole(DENY, 7, SEVEN), "forged", (), id="signed by somebody else"),
        pytest.param(PROVINCE.whole(DENY, 7, UNSORTED), "damaged", NAMED, id="out of order"),
        pytest.param(PROVINCE.whole(DENY, 7, TWICE), "damaged", NAMED, id="somebody twice"),
        pytest.param(PROVINCE.whole(DENY, 7, SAYS_TOO_MUCH), "damaged", NAMED, id="a value that means nothing"),
        pytest.param(PROVINCE.whole(DENY, 7, SEVEN, entries=689), "damaged", NAMED, id="another count"),
        pytest.param(PROVINCE.whole(DENY, 7, SEVEN, strangers=(SEVEN[12:23],)), "damaged", NAMED, id="a stranger who is found"),
        pytest.param(PROVINCE.whole(DENY, 7, SEVEN, members=(*MEMBERS, SEVEN[:10] + b"??")), "damaged", NAMED, id="a member who is not"),
        pytest.param(PROVINCE.whole(DENY, 7, SEVEN, province="p-998"), "for_others", NAMED, id="for another province"),
        pytest.param(PROVINCE.whole(DENY, 7, SEVEN, sites=("s-997", "s-998")), "for_others", NAMED, id="for other sites"),
        pytest.param(OTHER_KEY.whole(DENY, 7, SEVEN), "other_key", NAMED, id="names hidden by another key"),
        pytest.param(PROVINCE.whole(DENY, 6, SEVEN), "not_newer", (DENY, 6), id="the same version"),
        pytest.param(PROVINCE.whole(DENY, 5, SEVEN), "not_newer", (DENY, 5), id="an older one, replayed"),
        pytest.param(PROVINCE.changes(DENY, 7, SIX, SEVEN, base=5), "wrong_base", NAMED, id="changes on a version that is not here"),
        pytest.param(PROVINCE.changes(DENY, 7, SEVEN, SIX, base=6), "wrong_base", NAMED, id="changes on another list of that version"),
        pytest.param(PROVINCE.changes(DENY, 7, SIX, SEVEN, base=6)[:-5], "damaged", NAMED, id="changes cut short"),
        pytest.param(PROVINCE.changes(DENY, 7, SIX, SEVEN, base=6)[:-12], "damaged", NAMED, id="changes with one missing"),
        pytest.param(b"QGLIST1D" + GOOD[8:], "not_a_list", NAMED, id="changes on nothing"),
        pytest.param(bytes(FILE_MAX + 1), "too_large", (), id="too many bytes"),
    ],
)
def test_what_is_not_fit_leaves_the_old_list_in_force_and_tells_why(desk: Desk, content: bytes, why: str, named: tuple[ListKind, int]) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    assert desk.give(content) == refused(why, *named)
    assert (desk.lists.look_up([SOMEBODY]), desk.lists.look_up([NEWCOMER])) == ({DENY: 0}, {})
    assert desk.names() == ["deny-6.list", "deny.floor"]
    again = desk.restarted()
    assert again.told == [in_force(DENY, 6, 600)]
    again.lists.close()


def test_changes_on_a_list_that_went_bad_on_the_disk_ask_for_the_whole_list(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    put(desk, "deny-6.list", flipped(PROVINCE.whole(DENY, 6, SIX), 2000))
    assert desk.give(PROVINCE.changes(DENY, 7, SIX, SEVEN, base=6)) == refused("wrong_base", *NAMED)
    assert desk.lists.look_up([SOMEBODY]) == {DENY: 0}


def test_a_list_for_this_site_among_others_is_taken(desk: Desk) -> None:
    assert desk.give(PROVINCE.whole(DENY, 7, SEVEN, sites=("s-998", "s-999"), members=MEMBERS, strangers=(b"?" * 11,))) == in_force(DENY, 7, 690)


def test_changes_beyond_the_greatest_list_are_too_many(desk: Desk) -> None:
    base, others = random_body(ENTRIES_MAX, seed=1), random_body(10, seed=2)
    desk.give(PROVINCE.whole(DENY, 6, base))
    manifest = PROVINCE.manifest(DENY, 7, b"", base=Base(6, hashlib.sha256(base).digest()))
    assert desk.give(PROVINCE.signed(manifest, others, whole=False)) == refused("too_large", *NAMED)


def test_what_is_no_file_or_not_there_is_not_waited_for(desk: Desk, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "given.list")
    for name in ("pipe", "missing", "link", "lists"):
        desk.lists.take(tmp_path / name)
    assert desk.told == [refused("not_a_list"), refused("disk"), refused("disk"), refused("not_a_list")]


def test_what_waits_is_bounded(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(b"")
    for _ in range(WAITING_MAX + 2):
        desk.lists.take(tmp_path / "given")
    assert desk.told == [refused("busy")]
    assert desk.lists.wait(60)
    assert desk.told == [refused("busy"), *[refused("not_a_list")] * (WAITING_MAX + 1)]


# --- when things go wrong --------------------------------------------------------------------------------------


def test_a_checker_that_is_killed_leaves_the_old_list(desk: Desk, tmp_path: Path) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    (tmp_path / "given").write_bytes(GOOD)
    desk.lists.take(tmp_path / "given")
    os.kill(desk.checker(), signal.SIGKILL)
    assert desk.lists.wait(60)
    assert (desk.told[-1], desk.lists.look_up([NEWCOMER])) == (refused("checker_died"), {})
    assert desk.give(GOOD) == in_force(DENY, 7, 690)


def test_a_checker_killed_at_any_moment_leaves_the_old_list_or_the_new_one(desk: Desk, tmp_path: Path) -> None:
    numbers = random.Random(5)
    bodies = [random_body(20_000, seed=seed) for seed in (1, 2)]
    version, outcomes = 1, set()
    began_s = time.monotonic()
    desk.give(PROVINCE.whole(DENY, version, bodies[1]))
    span_s = 1.5 * (time.monotonic() - began_s)  # a checker on this machine, today, and half as long
    for _ in range(KILLS):
        (tmp_path / "given").write_bytes(PROVINCE.whole(DENY, version + 1, bodies[(version + 1) % 2]))
        desk.lists.take(tmp_path / "given")
        checker = desk.checker()
        moment = time.monotonic() + numbers.uniform(0.0, span_s)
        while not desk.lists.is_idle and time.monotonic() < moment:
            select.select([desk.lists], [], [], 0.01)
            desk.lists.poll()
        if desk.lists.checker == checker:
            os.kill(checker, signal.SIGKILL)
        assert desk.lists.wait(60)
        now = desk.lists.states(at(0))[DENY].version
        assert bytes(desk.lists._in_force[DENY].body) == bodies[now % 2]
        outcomes.add(now - version)
        version = now
    assert outcomes == {0, 1}  # else the moments were badly chosen


def test_a_checker_that_hangs_is_ended_at_its_deadline(tmp_path: Path) -> None:
    desk = Desk(tmp_path, options={"within_s": 0.05})
    (tmp_path / "given").write_bytes(GOOD)
    desk.lists.take(tmp_path / "given")
    checker = desk.checker()
    os.kill(checker, signal.SIGSTOP)
    assert desk.lists.wait(60)
    assert (desk.told, Path(f"/proc/{checker}").exists()) == ([refused("too_slow")], False)
    desk.lists.close()


def test_closing_ends_the_checker(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.lists.load()
    checker = desk.checker()
    desk.lists.close()
    assert (Path(f"/proc/{checker}").exists(), desk.told) == (False, [])


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = open_files()
    desk = Desk(tmp_path).start()
    for content in (PROVINCE.whole(DENY, 6, SIX), GOOD, b"", PROVINCE.whole(DENY, 8, b"")):
        desk.give(content)
    for _ in range(WAITING_MAX + 2):
        desk.lists.take(tmp_path / "given.list")
    desk.lists.close()
    assert open_files() == before


def test_where_no_process_can_be_started_the_gate_goes_on(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        desk.lists.load()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (desk.told[-1], desk.lists.is_idle) == (refused("checker_died"), True)
    assert desk.give(GOOD) == in_force(DENY, 7, 690)


def test_a_memory_that_could_still_be_changed_is_not_put_in_force(desk: Desk) -> None:
    handed = Handed(kind=DENY, version=9, entries=0, issued_s=0, valid_for_s=1)
    descriptor = os.memfd_create("open", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    assert not desk.lists._put_in_force(handed, descriptor)
    os.close(descriptor)
    assert (desk.told, desk.lists.states(at(0))) == ([refused("no_room", DENY, 9)], {})


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "lists").touch()
    with pytest.raises(StoreError, match="lists cannot be made"):
        Desk(tmp_path)


def test_no_room_on_the_disk_is_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path).start()
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    desk.lists._reserve = 2**62
    assert desk.give(GOOD) == refused("no_room", *NAMED)
    assert (desk.lists.look_up([SOMEBODY]), desk.names()) == ({DENY: 0}, ["deny-6.list", "deny.floor"])
    desk.lists.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_fills_up_leaves_the_old_list(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path / "lists"], check=True)
    try:
        desk = Desk(tmp_path).start()
        desk.give(PROVINCE.whole(DENY, 6, SIX))
        desk.lists._reserve = -(2**40)  # the look at the free space is passed, the write itself must fail
        assert desk.give(PROVINCE.whole(DENY, 7, random_body(50_000))) == refused("no_room", *NAMED)
        assert (desk.lists.look_up([SOMEBODY]), desk.names()) == ({DENY: 0}, ["deny-6.list", "deny.floor"])
        desk.lists.close()
    finally:
        subprocess.run(["umount", tmp_path / "lists"], check=True)


# --- over restarts ---------------------------------------------------------------------------------------------


def put(desk: Desk, name: str, content: bytes) -> None:
    (desk.folder / "lists" / name).write_bytes(content)


def test_of_two_files_the_newer_comes_into_force_and_the_older_goes(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    put(desk, "deny-7.list", GOOD)  # the gate died between the rename and its own word
    put(desk, ".taking-0badcafe", b"half")
    again = desk.restarted()
    assert (again.told, again.names()) == ([in_force(DENY, 7, 690)], ["deny-7.list", "deny.floor"])
    again.lists.close()


def test_a_damaged_newer_file_is_told_and_the_older_stays_in_force(desk: Desk) -> None:
    desk.give(PROVINCE.whole(DENY, 6, SIX))
    put(desk, "deny-7.list", flipped(GOOD, len(GOOD) - 100))
    again = desk.restarted()
    assert again.told == [refused("damaged", *NAMED), in_force(DENY, 6, 600)]
    assert again.give(GOOD) == in_force(DENY, 7, 690)
    again.lists.close()


def test_a_list_that_was_lost_can_be_had_again_and_an_older_one_cannot(desk: Desk) -> None:
    desk.give(GOOD)
    (desk.folder / "lists/deny-7.list").unlink()
    put(desk, "deny-6.list", PROVINCE.whole(DENY, 6, SIX))
    again = desk.restarted()
    assert (again.told, again.lists.states(at(0))) == ([refused("not_newer", DENY, 6)], {})
    assert again.give(PROVINCE.whole(DENY, 6, SIX)) == refused("not_newer", DENY, 6)
    assert again.give(GOOD) == in_force(DENY, 7, 690)
    again.lists.close()


def test_a_file_under_another_lists_name_is_not_believed(desk: Desk) -> None:
    put(desk, "allow-7.list", GOOD)
    put(desk, "deny-8.list", GOOD)
    again = desk.restarted()
    assert again.told == [refused("damaged", DENY, 8), refused("damaged", ListKind.ALLOW, 7)]
    again.lists.close()


def test_a_damaged_floor_lets_nothing_in(desk: Desk) -> None:
    put(desk, "deny.floor", b"")
    assert desk.give(GOOD) == refused("disk", *NAMED)


GATE = """
import sys
from pathlib import Path
from tests.lists import Desk
desk = Desk(Path(sys.argv[1])).start()
print("started", *[facts.get("version") for facts in desk.told], flush=True)
for line in sys.stdin:
    desk.lists.take(Path(line.strip()))
    desk.lists.wait(60)
    print(desk.told[-1], flush=True)
"""


def test_a_gate_killed_at_any_moment_has_the_old_list_or_the_new_one(tmp_path: Path) -> None:
    numbers = random.Random(4)
    old = 1
    bodies = [random_body(20_000, seed=seed) for seed in (1, 2)]
    Desk(tmp_path).give(PROVINCE.whole(DENY, old, bodies[old % 2]))
    outcomes = set()
    for _ in range(KILLS):
        (tmp_path / "next").write_bytes(PROVINCE.changes(DENY, old + 1, bodies[old % 2], bodies[(old + 1) % 2], base=old))
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", GATE, tmp_path], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as gate:
            assert gate.stdin is not None and gate.stdout is not None  # noqa: PT018 - for the type checker
            gate.stdout.readline()
            gate.stdin.write(f"{tmp_path / 'next'}\n")
            gate.stdin.flush()
            select.select([gate.stdout], [], [], numbers.uniform(0.0, 0.5))
            gate.kill()
        desk = Desk(tmp_path).start()
        assert [facts["what"] for facts in desk.told] == ["list_in_force"]
        version = desk.told[0]["version"]
        assert bytes(desk.lists._in_force[DENY].body) == bodies[version % 2]
        outcomes.add(version - old)
        old = version
        desk.lists.close()
    assert outcomes == {0, 1}  # else the moments were badly chosen
