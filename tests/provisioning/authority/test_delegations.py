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
    "a word that nobody knows": f'[holders.a]\nkey = "{KEY}"\nroles = ["operator"]\nhours = "8-17"',
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told(path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        read(path, text)
