from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.bundles.delegations import Delegation, Role, read_delegations
from device.errors import SettingsError
from provisioning.authority import delegations

KEY, OTHER = "ab" * 32, "cd" * 32
UNTIL_S = int(datetime(2027, 12, 31, 16, 59, 59, tzinfo=UTC).timestamp())
"""The last second of the year in Viet Nam."""
WHOLE = f"""\
[holders.op-1]
key = "{KEY}"
roles = ["operator", "technician"]
sites = ["s-999"]
gates = ["g-1", "g-2", "g-3", "g-4", "g-5"]
until = 2027-12-31
[holders.op-2]
key = "{OTHER}"
roles = ["operator"]
until = "2027-12-31"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "delegations.toml"


def read(path: Path, text: str) -> delegations.Holders:
    path.write_text(text, encoding="utf-8")
    return delegations.read(path)


def test_what_the_office_writes_is_what_gates_read_and_no_name_goes_with_it(path: Path) -> None:
    found = read(path, WHOLE)
    first = Delegation(bytes.fromhex(KEY), frozenset({Role.OPERATOR, Role.TECHNICIAN}), ("s-999",), ("g-1", "g-2", "g-3", "g-4", "g-5"), UNTIL_S)
    assert read_delegations(found.content) == (first, Delegation(bytes.fromhex(OTHER), frozenset({Role.OPERATOR}), until_s=UNTIL_S))
    assert (found.doubts, "op-1" in repr(found.content)) == ((), False)


def test_what_is_hardly_meant_is_doubted(path: Path) -> None:
    alone, together = "may free and lock its gates alone, since they are no more than 4", "nobody can sign with it to free or lock more gates"
    found = read(path, f'[holders.op-1]\nkey = "{KEY}"\nroles = ["operator"]\ngates = ["g-1"]')
    assert found.doubts == (
        "op-1 has no end: a key that is lost counts until the next bundle comes",
        f"op-1 {alone}",
        f"there is one operator's key: {together}",
    )
    assert read(path, f'[holders.r]\nkey = "{KEY}"\nroles = ["release"]\nuntil = 2027-12-31').doubts == ()


WRONG = {
    "no TOML": "[",
    "nothing": "",
    "something else": "holders = 1",
    "another table too": f"{WHOLE}[other]\n",
    "a holder that is no table": "[holders]\na = 1",
    "a name of a person": f'[holders."Nguyễn Thử Nghiệm"]\nkey = "{KEY}"\nroles = ["operator"]',
    "no key": '[holders.a]\nroles = ["operator"]',
    "half a key": '[holders.a]\nkey = "ab"\nroles = ["operator"]',
    "no role": f'[holders.a]\nkey = "{KEY}"',
    "a role that nobody knows": f'[holders.a]\nkey = "{KEY}"\nroles = ["king"]',
    "no day": f'[holders.a]\nkey = "{KEY}"\nroles = ["operator"]\nuntil = "soon"',
    "a number of seconds": f'[holders.a]\nkey = "{KEY}"\nroles = ["operator"]\nuntil = 1830000000',
    "no gates at all": f'[holders.a]\nkey = "{KEY}"\nroles = ["operator"]\ngates = []',
    "a word that nobody knows": f'[holders.a]\nkey = "{KEY}"\nroles = ["operator"]\nhours = "8-17"',
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told(path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        read(path, text)


def test_all_mistakes_are_told_at_once_each_with_its_line(path: Path) -> None:
    text = """\
top = 1

[holders.op-1]
key = "ab"
roles = ["operator", "king"]
gates = []
until = "soon"
hours = "8-17"

[holders."Op 2"]
sites = ["s 1"]
"""
    with pytest.raises(SettingsError) as caught:
        read(path, text)
    roles = "(a list of some of operator, health_officer, recorder, technician, release)"
    ids = '(such as ["gb-01"]; where it is left out, all are meant)'
    key = "(64 hex digits, as `qrgate-provision command-key` prints them)"
    assert caught.value.what.splitlines() == [
        f"10 mistakes in {path}:",
        f"  {path}:1: 'top' is no holder (a holder is a table [holders.ID])",
        f"  {path}:4: holders.op-1.key is no key {key}",
        f"  {path}:5: holders.op-1.roles names no role, one twice, or one that nobody knows {roles}",
        f"  {path}:6: holders.op-1.gates is no list of ids {ids}",
        f"  {path}:7: holders.op-1.until is no day (such as 2027-12-31)",
        f"  {path}:8: holders.op-1.hours is a key that nobody knows (known: key, roles, sites, gates, until)",
        f"  {path}:10: 'holders.Op 2' holds no id (lower-case letters, digits and hyphens, at most 32; no name of a person)",
        f"  {path}:10: holders.Op 2.key is no key {key}",
        f"  {path}:10: holders.Op 2.roles names no role, one twice, or one that nobody knows {roles}",
        f"  {path}:11: holders.Op 2.sites is no list of ids {ids}",
    ]


def at_gates(key: str, *gates: str, role: str = "operator") -> str:
    return f'[holders.op-1]\nkey = "{key}"\nroles = ["{role}"]\ngates = [{", ".join(repr(gate) for gate in gates)}]\nuntil = 2027-12-31\n'


FOUR = ("g-1", "g-2", "g-3", "g-4")


@pytest.mark.parametrize(
    ("other", "adds_up"),
    [
        (at_gates(KEY, "g-5"), True),
        (at_gates(KEY, "g-5", role="technician"), True),  # it may drill
        (at_gates(KEY, *FOUR), False),  # the same gates again
        (at_gates(OTHER, "g-5"), False),
        (at_gates(KEY, "g-5", role="release"), False),  # frees nothing
        (at_gates(KEY, *(f"h-{number}" for number in range(5))), False),  # there it needs a second key
    ],
)
def test_a_key_that_may_act_alone_at_four_gates_in_each_of_several_files_is_refused(tmp_path: Path, other: str, adds_up: bool) -> None:
    north, south = tmp_path / "north.toml", tmp_path / "south.toml"
    holders, beside = read(north, at_gates(KEY, *FOUR)), {south: read(south, other)}
    if not adds_up:
        delegations.must_not_add_up(north, holders, beside)
        return
    with pytest.raises(SettingsError, match=r"could free and lock 5 gates alone: 4 at most are in each of .*north\.toml and .*south\.toml"):
        delegations.must_not_add_up(north, holders, beside)
