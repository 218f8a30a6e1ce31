from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.admission.lists import ListKind
from device.clock import monotonic_ns
from device.degraded import Trouble
from device.gate.act import LaneState
from device.gate.status_file import FORM, NAME, STATUS_MAX, StatusFile
from device.gate.store import Store
from device.status.told import AGAIN, FILE, OTHER, NotToldError, Told, fits, read
from device.turnstile.freedom import Cause
from tests.device.gate.test_diagnostics import told_by
from tests.device.status.last_word import BOOT, NOW_NS, file, gate

DAMAGED = "is cut off or damaged"
OTHER_FORM = "was written by another version of the gate, or not by a gate"
OTHER_SHAPE = "is not as this version of the gate writes it"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "events.db", gate="g1", boot="boot-1")) as store:
        yield store


def told(content: bytes) -> Told:
    return read(content, boot=BOOT, now_ns=NOW_NS)


def refused(content: bytes) -> tuple[str, str]:
    with pytest.raises(NotToldError) as caught:
        told(content)
    return caught.value.what, caught.value.hint


def changed(path: str, value: Any) -> bytes:
    """The file with another value at ``path``."""
    whole = file()
    *above, name = path.split(".")
    table = whole
    for each in above:
        table = table[each]
    table[name] = value
    return json.dumps(whole).encode()


def test_what_a_gate_has_written_is_read() -> None:
    assert told(json.dumps(file(pid=7, started=8)).encode()) == Told(BOOT, 7, 8, file()["at_ns"], stopped=False, gate=gate())


def test_all_that_a_gate_may_write_is_read_and_has_room(store: Store, tmp_path: Path) -> None:
    well = told_by(store, tmp_path)
    worst = told_by(store, tmp_path, *Trouble, lane=LaneState(free_by=Cause.FIRE), lists=ListKind)
    without_disk = told_by(store, tmp_path / "gone")
    for diagnose in (well, worst, without_disk):
        StatusFile(tmp_path, BOOT, diagnose).look(0)
        content = (tmp_path / NAME).read_bytes()
        assert read(content, boot=BOOT, now_ns=monotonic_ns()).gate.keys() == gate().keys()
        assert len(content) < STATUS_MAX / 2


def test_what_a_later_gate_tells_beside_it_is_passed_over() -> None:
    assert told(json.dumps(file(gate=gate(mood="fine"), more=[1])).encode()).gate["mood"] == "fine"


def test_each_beginning_of_the_file_is_told_as_cut_off() -> None:
    content = json.dumps(file()).encode()
    found = {refused(content[:length]) for length in range(1, len(content))}
    assert (found, refused(b"")) == ({(DAMAGED, AGAIN)}, ("is empty", AGAIN))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b" " * (STATUS_MAX + 1), "has more than 16 KiB: no gate has written that", id="enormous"),
        pytest.param(b"all is well\n", DAMAGED, id="words"),
        pytest.param(b"\xff\xfe{}", DAMAGED, id="no UTF-8"),
        pytest.param(b"[" * 9000, DAMAGED, id="deep"),
        pytest.param(b"9" * 9000, DAMAGED, id="a number of thousands of digits"),
        pytest.param(b"[]", OTHER_FORM, id="a list"),
        pytest.param(b"{}", OTHER_FORM, id="nothing in it"),
        pytest.param(json.dumps(file(form=FORM + 1)).encode(), OTHER_FORM, id="another form"),
        pytest.param(json.dumps(file(form=[FORM])).encode(), OTHER_FORM, id="a form that is none"),
    ],
)
def test_whatever_else_lies_there_is_told_in_words(content: bytes, why: str) -> None:
    assert refused(content) == (why, OTHER if why is OTHER_FORM else AGAIN)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("boot", 7), ("process", None), ("process.pid", "1"), ("process.pid", True), ("process.started", None), ("at_ns", 1.5), ("at_ns", 2**63)),
        *(("stopped", 0), ("gate", []), ("gate.version", None), ("gate.lane", {}), ("gate.lane.free_by", 7), ("gate.health", "ok")),
        *(("gate.health.health", "splendid"), ("gate.health.health", ["ok"]), ("gate.health.troubles", {"a": 1}), ("gate.health.troubles", [None])),
        *(("gate.health.troubles", [{"trouble": "hunger"}]), ("gate.health.troubles", [{"trouble": "held", "about": 7}])),
        *(("gate.health.outbox", []), ("gate.bundles", []), ("gate.bundles", {"policy": "7"}), ("gate.lists", {"deny": 12})),
        *(("gate.store", {}), ("gate.store.fill", float("nan")), ("gate.store.fill", float("inf")), ("gate.store.unconfirmed", 10**4000)),
        *(("gate.broker.for_s", None), ("gate.last.frame_s", "0"), ("gate.running_s", -(10**400))),
    ],
)
def test_a_value_that_no_gate_of_this_version_writes_is_not_believed(path: str, value: Any) -> None:
    assert refused(changed(path, value)) == (OTHER_SHAPE, OTHER)


def test_a_file_from_the_future_is_nobodys_but_another_boots_clock_says_nothing() -> None:
    later = json.dumps(file(at_ns=NOW_NS + 1)).encode()
    assert refused(later) == ("is from the future: no gate on this machine has written it", AGAIN)
    assert read(later, boot="boot-2", now_ns=NOW_NS).boot == BOOT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.sampled_from(["boot", "process", "at_ns", "gate", *(f"gate.{name}" for name in gate()), "gate.health.troubles"]), JSON)
def test_whatever_stands_anywhere_is_read_or_refused_in_words(path: str, value: Any) -> None:
    content = changed(path, value)
    try:
        assert fits(json.loads(content), FILE)
        told(content)
    except (AssertionError, NotToldError):
        refused(content)
