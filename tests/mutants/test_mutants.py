"""The mutants themselves: a weak test lets one live, and a strong one none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.mutations import mutants_of
from tests.mutants.trial import Fate, fate_of

SOURCE = '''"""A module."""


def is_of_age(years: int) -> bool:
    """Text for people."""
    return years >= 18
'''
STRONG = "from planted import is_of_age\n\ndef test_it():\n    assert [is_of_age(years) for years in (17, 18, 19)] == [False, True, True]\n"
WEAK = "from planted import is_of_age\n\ndef test_it():\n    assert is_of_age(40) is True\n"
ENDLESS = "while True:\n    pass\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "planted.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def fates(folder: Path, test: str) -> dict[str, Fate]:
    (folder / "test_planted.py").write_text(test)
    suites = [["--rootdir", str(folder), str(folder / "test_planted.py")]]
    assert fate_of("planted", folder / "planted.py", SOURCE, suites) is Fate.SURVIVED
    return {mutant.what: fate_of("planted", folder / "planted.py", mutant.source, suites) for mutant in mutants_of(SOURCE)}


def test_a_strong_test_notices_every_mutant_and_a_weak_one_does_not(folder: Path) -> None:
    what = ["Return.value: years >= 18 -> None", "GtE -> Gt", "Constant.value: 18 -> 19"]
    assert fates(folder, STRONG) == dict.fromkeys(what, Fate.KILLED)
    assert fates(folder, WEAK) == {what[0]: Fate.KILLED, what[1]: Fate.SURVIVED, what[2]: Fate.SURVIVED}


def test_every_mutant_is_the_source_with_one_change_and_the_source_is_whole_again() -> None:
    mutants = list(mutants_of(SOURCE))
    assert len({mutant.source for mutant in mutants}) == len(mutants) == 3
    assert [mutant.source for mutant in mutants_of(SOURCE)] == [mutant.source for mutant in mutants]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("x = a and b", ["And -> Or"]),
        ("x = not a", ["UnaryOp.operand: a -> not a"]),
        ("x = a if b else c", ["IfExp.test: b -> not b"]),
        ("if a:\n    pass", ["If.test: a -> not a"]),
        ("x = a - 2", ["BinOp.op: Sub -> Add", "Constant.value: 2 -> 3"]),
        ("x = True", ["Constant.value: True -> False"]),
        ("x = 'a'", ["Constant.value: 'a' -> 'aX'"]),
        ("x: 'int' = f'{a} b'", []),
        ("import a", []),
        ("__all__ = ['a']", []),
        ("def f(): return None", []),
        ("class P(Protocol):\n    x = 1", []),
    ],
)
def test_every_kind_of_fault_is_made(source: str, what: list[str]) -> None:
    assert [mutant.what.replace("BoolOp.op: ", "") for mutant in mutants_of(source)] == what


def test_a_mutant_that_never_ends_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutants.trial.CPU_MAX_S", 2)
    (folder / "test_planted.py").write_text(STRONG)
    assert fate_of("planted", folder / "planted.py", SOURCE + ENDLESS, [[str(folder / "test_planted.py")]]) is Fate.KILLED


def test_a_mutant_that_fills_the_memory_is_noticed(folder: Path) -> None:
    (folder / "test_planted.py").write_text(STRONG)
    greedy = SOURCE + "kept = [bytes(2**20)]\nwhile True:\n    kept += kept\n    kept.append(bytearray(2**28))\n"
    assert fate_of("planted", folder / "planted.py", greedy, [[str(folder / "test_planted.py")]]) is Fate.KILLED
