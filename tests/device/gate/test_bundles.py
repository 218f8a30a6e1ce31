from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.bundles.envelope import Audience, Kind, Place, Refusal, Refused, sign_bundle
from device.errors import SettingsError, StoreError, VerificationError
from device.gate.bundles import Bundles, Taken
from device.gate.keys import write_secret

KEY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
HERE = Place("p-999", "s-999", "g-999")
NOW_S = 1_795_000_000


def bundle(seq: int, *, kind: Kind = Kind.POLICY, content: Mapping[str, Any] | None = None, expires_s: int | None = None) -> bytes:
    return sign_bundle(KEY, kind, Audience("p-999"), {"number": seq} if content is None else content, seq=seq, issued_s=NOW_S, expires_s=expires_s)


WRONG = {-1: VerificationError("this is no policy"), -2: SettingsError("this has two mistakes")}


def number(content: Mapping[str, Any] | bytes) -> int:
    """What stands for a real content here; a real reader refuses what it cannot use."""
    assert isinstance(content, dict)
    if content["number"] in WRONG:
        raise WRONG[content["number"]]
    found: int = content["number"]
    return found


def opened(state: Path, **changes: Any) -> Bundles:
    return Bundles(state, KEY.public_key(), HERE, **({"readers": {Kind.POLICY: number, Kind.KEYS: number}} | changes))


def take(bundles: Bundles, data: bytes) -> tuple[int, bool] | Refused:
    taken = bundles.take(data, passed_s=NOW_S)
    return (taken.value, taken.is_new) if isinstance(taken, Taken) else taken


def in_force(bundles: Bundles, kind: Kind = Kind.POLICY) -> int | None:
    taken = bundles.current(kind)
    return None if taken is None else taken.value


def test_nothing_is_in_force_at_first(tmp_path: Path) -> None:
    bundles = opened(tmp_path)
    assert (in_force(bundles), bundles.damaged, bundles.roll_back(Kind.POLICY)) == (None, [], None)


def test_what_was_taken_is_in_force_also_after_a_restart(tmp_path: Path) -> None:
    bundles = opened(tmp_path)
    assert [take(bundles, bundle(1)), take(bundles, bundle(2))] == [(1, True), (2, True)]
    again = opened(tmp_path)
    assert (in_force(bundles), in_force(again), again.damaged) == (2, 2, [])


def test_the_same_bundle_once_more_changes_nothing(tmp_path: Path) -> None:
    bundles = opened(tmp_path)
    take(bundles, bundle(1))
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "bundles").iterdir()}
    assert (take(bundles, bundle(1)), take(opened(tmp_path), bundle(1))) == ((1, False), (1, False))
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "bundles").iterdir()} == before


REFUSED = {
    "an earlier one": (bundle(4), Refusal.OLDER),
    "another of the same number": (bundle(5, content={"number": 6}), Refusal.CONTRADICTS),
    "one that its reader refuses": (bundle(6, content={"number": -1}), Refusal.CONTENT),
    "one that has ended": (bundle(6, expires_s=NOW_S - 1), Refusal.EXPIRED),
    "one of a kind that is not taken here": (bundle(6, kind=Kind.TRUST), Refusal.UNKNOWN_FORM),
    "one for another province": (sign_bundle(KEY, Kind.POLICY, Audience("p-998"), {"number": 6}, seq=6, issued_s=NOW_S), Refusal.NOT_FOR_US),
    "one that is forged": (bundle(6)[:-1] + b"\xff", Refusal.FORGED),
    "one that is none": (b"policy", Refusal.NOT_A_BUNDLE),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bundle_that_is_refused_leaves_the_one_in_force(tmp_path: Path, data: bytes, why: Refusal) -> None:
    bundles = opened(tmp_path)
    take(bundles, bundle(5))
    refused = take(bundles, data)
    assert isinstance(refused, Refused)
    assert (refused.why, in_force(bundles), in_force(opened(tmp_path))) == (why, 5, 5)
    assert take(bundles, bundle(6)) == (6, True)  # a refusal costs no number


@pytest.mark.parametrize(("wrong", "what"), [(-1, "this is no policy"), (-2, "this has two mistakes")])
def test_what_its_reader_said_is_told(tmp_path: Path, wrong: int, what: str) -> None:
    assert take(opened(tmp_path), bundle(1, content={"number": wrong})) == Refused(Refusal.CONTENT, what)


def test_a_bundle_in_force_may_end_and_is_still_there(tmp_path: Path) -> None:
    take(opened(tmp_path), bundle(1, expires_s=NOW_S))
    taken = opened(tmp_path).current(Kind.POLICY)
    assert taken is not None
    assert (taken.value, taken.bundle.has_expired(NOW_S + 1)) == (1, True)


# --- the way back ----------------------------------------------------------------------------------------------


def test_the_one_before_returns_and_the_failed_one_does_not(tmp_path: Path) -> None:
    bundles = opened(tmp_path)
    take(bundles, bundle(1))
    take(bundles, bundle(2))
    back = bundles.roll_back(Kind.POLICY)
    assert (back is not None and back.value, in_force(bundles), in_force(opened(tmp_path))) == (1, 1, 1)
    for each in (bundles, opened(tmp_path)):
        assert [take(each, bundle(2)), take(each, bundle(1))] == [Refused(Refusal.ROLLED_BACK), Refused(Refusal.OLDER)]
        assert each.roll_back(Kind.POLICY) is None
    assert take(bundles, bundle(3)) == (3, True)


@pytest.mark.parametrize("damage", [b"", b"\xd2\x84", bundle(2)[:-1] + b"\xff"])
def test_a_damaged_file_is_told_and_the_one_before_is_in_force_until_it_comes_again(tmp_path: Path, damage: bytes) -> None:
    bundles = opened(tmp_path)
    take(bundles, bundle(1))
    take(bundles, bundle(2))
    (tmp_path / "bundles" / "policy.bundle").write_bytes(damage)
    mended = opened(tmp_path)
    assert (in_force(mended), [told.split(":")[0] for told in mended.damaged]) == (1, ["policy.bundle"])
    assert [take(mended, bundle(1)), take(mended, bundle(2))] == [Refused(Refusal.OLDER), (2, True)]
    assert (in_force(opened(tmp_path)), opened(tmp_path).damaged) == (2, [])


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"policy": 1}', b'{"weather": [1, ""]}'])
def test_floors_that_are_damaged_are_told_and_the_file_in_force_gives_its_own(tmp_path: Path, damage: bytes) -> None:
    take(opened(tmp_path), bundle(2))
    (tmp_path / "bundles" / "floors.json").write_bytes(damage)
    bundles = opened(tmp_path)
    assert (bundles.damaged, take(bundles, bundle(1))) == ([] if damage == b"" else ["floors.json"], Refused(Refusal.OLDER))


def test_a_gate_that_was_moved_does_not_go_by_the_bundle_of_its_former_place(tmp_path: Path) -> None:
    taken = sign_bundle(KEY, Kind.POLICY, Audience("p-999", gates=("g-999",)), {"number": 1}, seq=1, issued_s=NOW_S)
    take(opened(tmp_path), taken)
    moved = Bundles(tmp_path, KEY.public_key(), Place("p-999", "s-999", "g-998"), readers={Kind.POLICY: number})
    assert (moved.current(Kind.POLICY), moved.damaged) == (None, ["policy.bundle: not_for_us"])


# --- keys of days ----------------------------------------------------------------------------------------------


def test_keys_of_days_are_handed_over_and_only_their_number_stays(tmp_path: Path) -> None:
    bundles = opened(tmp_path)
    assert [take(bundles, bundle(2, kind=Kind.KEYS)), take(bundles, bundle(2, kind=Kind.KEYS))] == [(2, True), (2, False)]
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == ["floors.json"]
    again = opened(tmp_path)
    assert (take(again, bundle(1, kind=Kind.KEYS)), in_force(again, Kind.KEYS)) == (Refused(Refusal.OLDER), None)


def test_a_file_of_day_keys_that_somebody_put_there_is_not_in_force(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "bundles" / "keys.bundle").write_bytes(bundle(3, kind=Kind.KEYS))
    assert in_force(opened(tmp_path), Kind.KEYS) is None


# --- crashes ---------------------------------------------------------------------------------------------------


class Crash(Exception):  # noqa: N818 - not an error of the gate
    """The power is gone."""


@pytest.mark.parametrize("before_write", [True, False])
@pytest.mark.parametrize("which", [1, 2, 3])
def test_cut_short_at_any_write_the_old_or_the_new_is_in_force_and_no_number_is_lost(tmp_path: Path, which: int, before_write: bool) -> None:
    take(opened(tmp_path), bundle(1))
    take(opened(tmp_path), bundle(2))
    writes = 0

    def write(path: Path, content: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes == which and before_write:
            path.with_suffix(".new").write_bytes(content[: len(content) // 2])  # what a power cut leaves of write_secret
            raise Crash
        write_secret(path, content)
        if writes == which:
            raise Crash

    with pytest.raises(Crash):
        opened(tmp_path, write=write).take(bundle(3), passed_s=NOW_S)
    after = opened(tmp_path)
    new = which == 3 or (which == 2 and not before_write)
    assert (in_force(after), after.damaged) == (3 if new else 2, [])
    assert take(after, bundle(2)) == (Refused(Refusal.OLDER) if new else (2, False))
    assert take(after, bundle(3)) == (3, not new)
    assert in_force(opened(tmp_path)) == 3


def test_a_full_disk_leaves_the_old_one_and_may_be_tried_again(tmp_path: Path) -> None:
    failing = ["policy.bundle"]

    def write(path: Path, content: bytes) -> None:
        if path.name in failing:
            raise StoreError("the disk is full")
        write_secret(path, content)

    bundles = opened(tmp_path, write=write)
    failing.clear()
    take(bundles, bundle(1))
    failing.append("policy.bundle")
    with pytest.raises(StoreError):
        bundles.take(bundle(2), passed_s=NOW_S)
    assert in_force(bundles) == 1
    failing[:] = ["floors.json"]
    with pytest.raises(StoreError):
        bundles.take(bundle(2), passed_s=NOW_S)
    failing.clear()
    assert take(bundles, bundle(2)) == (2, True)
    back = bundles.roll_back(Kind.POLICY)
    assert back is not None
    assert back.value == 1


CHILD = """
import sys
from pathlib import Path
from tests.device.gate.test_bundles import bundle, opened, take
bundles = opened(Path(sys.argv[1]))
for seq in range(1, 100_000):
    data = bundle(seq)
    print(seq, flush=True)
    take(bundles, data)
"""


@pytest.mark.parametrize("after", [3, 8, 20])
def test_killed_at_any_instant_the_last_or_the_one_before_is_in_force(tmp_path: Path, after: int) -> None:
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}
    )
    assert child.stdout is not None
    with child:
        for line in child.stdout:
            if int(line) >= after:
                child.kill()
                break
        begun = [int(line) for line in child.stdout.read().split()][-1:] or [after]
    bundles = opened(tmp_path)
    assert in_force(bundles) in (begun[0] - 1, begun[0])
    assert (bundles.damaged, isinstance(take(bundles, bundle(begun[0] - 2)), Refused), take(bundles, bundle(begun[0] + 1))) == (
        [],
        True,
        (begun[0] + 1, True),
    )


def test_files_are_their_owner_s_only(tmp_path: Path) -> None:
    bundles = opened(tmp_path)
    take(bundles, bundle(1))
    take(bundles, bundle(2))
    folder = tmp_path / "bundles"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"bundles": 0o700, "policy.bundle": 0o600, "policy.previous": 0o600, "floors.json": 0o600}
    assert json.loads((folder / "floors.json").read_text())["policy"][0] == 2


def test_a_state_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        opened(tmp_path / "missing")
    assert caught.value.what == f"{tmp_path}/missing/bundles cannot be made: No such file or directory"
