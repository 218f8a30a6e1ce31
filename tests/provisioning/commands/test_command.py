"""`qrgate-provision command` against a gate behind a real broker."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.bundles.delegations import Delegation, Role
from device.commands import order
from device.commands.deeds import Erase, LaneMode
from device.domain import Direction
from device.uplink.presence import State
from provisioning.authority import office
from provisioning.authority.keys import raw_public, read_signing_key
from provisioning.cli import main
from provisioning.commanding import half_signed
from tests.provisioning.commanding.played_gate import GATE, TOPICS, PlayedGate
from tests.provisioning.live import MOSQUITTO, SITE, Broker, free_port, provision

HOLDERS = {
    "op-1": frozenset({Role.OPERATOR, Role.TECHNICIAN, Role.RELEASE, Role.RECORDER}),
    "op-2": frozenset({Role.OPERATOR}),
    "ho-1": frozenset({Role.HEALTH_OFFICER}),
}
Run = Callable[..., tuple[int, dict[str, Any]]]


@dataclass
class Province:
    out: Path
    broker: Broker

    def folder(self, holder: str) -> Path:
        return self.out / "commands" / holder

    def delegations(self) -> tuple[Delegation, ...]:
        return tuple(Delegation(raw_public(read_signing_key(self.folder(holder) / "order.key")), roles) for holder, roles in HOLDERS.items())


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    """A broker that lets three holders order."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    out, port = tmp_path_factory.mktemp("province"), free_port()
    layout = provision(out, GATE, port=port)
    for holder in HOLDERS:
        assert main(["command-key", "--out", str(out), "--id", holder]) == 0
    described = layout.authority / office.BROKER_DESCRIPTION
    names = ", ".join(f'"command.{holder}"' for holder in HOLDERS)
    described.write_text(described.read_text(encoding="utf-8").replace("#commands = []", f"commands = [{names}]"), encoding="utf-8")
    assert main(["broker", "--out", str(out)]) == 0
    broker = Broker(layout, port)
    yield Province(out, broker)
    broker.stop()


@pytest.fixture
def gate(province: Province, tmp_path: Path) -> Iterator[PlayedGate]:
    with PlayedGate(province.broker, tmp_path / "state", province.delegations()) as gate:
        yield gate


@pytest.fixture
def run(province: Province, capsys: pytest.CaptureFixture[str]) -> Run:
    """`qrgate-provision command` by a holder at the gate: exit code and answer."""

    def run(holder: str, *words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        where = [] if words[0] == "send" else ["--site", SITE, "--gate", GATE]
        code = main(["command", *words, "--settings", str(province.folder(holder)), "--json", *where])
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else {"stderr": told.err}

    return run


def done(**more: Any) -> tuple[int, dict[str, Any]]:
    return 0, {"gate": GATE, "outcome": "done", **more}


def test_somebody_is_let_in_with_the_reason_that_was_given(gate: PlayedGate, run: Run) -> None:
    assert run("op-1", "open", "--why", "damaged card") == done()
    ((facts, direction, _, _),) = gate.bench.opened
    assert (facts["actor"], facts["reason"], direction) == ("op-1", "damaged card", Direction.ENTRY)


def test_each_verb_says_what_was_done(gate: PlayedGate, run: Run) -> None:
    assert run("op-1", "open", "exit") == done()
    assert run("op-1", "mode", "normal") == done()
    assert run("op-1", "diagnostics") == done(diagnostics={"version": "1"})
    assert run("op-1", "replay", "9990000000000000:1-5") == done()
    assert run("ho-1", "erase", "9990000000000000:3-9") == done(erased=7)
    assert run("op-1", "restart") == done()
    assert gate.bench.done[:2] == [("again", 1, 5), ("erase", 3, 9)]


def test_a_gate_that_will_not_is_exit_code_1_and_says_why(gate: PlayedGate, run: Run) -> None:
    assert run("ho-1", "open") == (1, {"gate": GATE, "outcome": "refused", "why": "not_allowed"})
    assert run("op-1", "mode", "free") == (1, {"gate": GATE, "outcome": "refused", "why": "needs_two"})
    assert run("op-1", "replay", "8880:1-5") == (1, {"gate": GATE, "outcome": "failed", "why": "other_epoch"})
    assert gate.bench.opened == []


def test_two_keys_free_a_lane_on_one_machine(province: Province, gate: PlayedGate, run: Run) -> None:
    assert run("op-1", "mode", "free", "--second-key", str(province.folder("op-2") / "order.key")) == done()
    assert gate.bench.mode.mode is LaneMode.FREE


def test_two_keys_free_a_lane_on_two_machines(gate: PlayedGate, run: Run, tmp_path: Path) -> None:
    half = tmp_path / "free.order"
    assert run("op-1", "mode", "free", "--why", "market day", "--out", str(half)) == (0, {"order": str(half)})
    modes = [gate.bench.mode.mode]
    assert run("op-2", "send", str(half)) == done()
    assert [*modes, gate.bench.mode.mode] == [LaneMode.NORMAL, LaneMode.FREE]
    assert run("op-2", "send", str(half)) == (1, {"gate": GATE, "outcome": "refused", "why": "replayed"})


def test_one_key_is_no_second_one(gate: PlayedGate, run: Run, tmp_path: Path) -> None:
    half = tmp_path / "free.order"
    run("op-1", "mode", "free", "--out", str(half))
    code, answer = run("op-1", "send", str(half))
    assert (code, "this key has signed the order already" in answer["stderr"], gate.bench.mode.mode) == (2, True, LaneMode.NORMAL)


def test_the_same_key_twice_is_told_before_anybody_is_asked(province: Province, run: Run) -> None:
    code, answer = run("op-1", "mode", "free", "--second-key", str(province.folder("op-1") / "order.key"))
    assert (code, "both keys are one and the same" in answer["stderr"]) == (2, True)


@pytest.mark.usefixtures("gate")
def test_a_second_signer_sees_what_he_is_to_sign(run: Run, tmp_path: Path) -> None:
    half = tmp_path / "free.order"
    run("op-1", "drill", "5", "--why", "yearly", "--out", str(half))
    wanted = {"verb": "drill", "args": {"minutes": 5}, "site": SITE, "gate": GATE, "actor": "op-1", "why": "yearly"}
    assert run("op-2", "show", str(half)) == (0, wanted)


def test_nobody_is_brought_to_sign_what_needs_no_second_signature(province: Province, run: Run, tmp_path: Path) -> None:
    told = order.Order(b"i" * 16, Erase("999", 1, 5), GATE, "0badcafe", b"c" * 16, 600, "op-1", "")
    signature = order.sign(read_signing_key(province.folder("op-1") / "order.key"), order.encode(told))
    half_signed.write(tmp_path / "trap.order", half_signed.HalfSigned(TOPICS, signature))
    code, answer = run("ho-1", "send", str(tmp_path / "trap.order"))
    assert (code, "do not sign it" in answer["stderr"]) == (2, True)


def test_a_bundle_goes_through_the_broker_into_the_inbox(province: Province, gate: PlayedGate, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "delegations.toml"
    holders = "\n".join(f'[holders.a{number}]\nkey = "{number:064x}"\nroles = ["operator"]' for number in range(400))
    path.write_text(holders)
    assert main(["delegations", "sign", str(path), "--authority", str(province.out / "authority")]) == 0
    content = path.with_suffix(".bundle").read_bytes()
    code, answer = run("op-1", "bundle", str(path.with_suffix(".bundle")))
    assert (code, answer["outcome"]) == (0, "done")
    assert [each.read_bytes() for each in gate.bench.inbox.iterdir()] == [content]


def test_a_bundle_that_the_gate_would_not_take_is_not_sent(province: Province, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "delegations.toml"
    path.write_text(f'[holders.a]\nkey = "{1:064x}"\nroles = ["operator"]')
    assert main(["delegations", "sign", str(path), "--authority", str(province.out / "authority"), "--gate", "g-b"]) == 0
    code, answer = run("op-1", "bundle", str(path.with_suffix(".bundle")))
    assert (code, f"this bundle is not for {GATE}" in answer["stderr"]) == (2, True)


@pytest.mark.parametrize(
    ("state", "told"),
    [(None, f"the broker knows no gate {GATE} at site {SITE}"), (State.LOST, "is away: nobody"), (State.READY, "is there and does not answer")],
)
def test_a_gate_that_does_not_answer_is_no_contact_and_what_is_known_of_it_is_told(
    gate: PlayedGate, run: Run, state: State | None, told: str
) -> None:
    gate.deaf_to = math.inf
    gate.be(state)
    code, answer = run("op-1", "open", "--wait", "0.5")
    assert (code, told in answer["stderr"]) == (6, True)


def test_a_question_that_is_lost_among_many_is_asked_again(gate: PlayedGate, run: Run) -> None:
    gate.deaf_to = 2
    code, answer = run("op-1", "open")
    assert (code, answer["outcome"], gate.deaf_to) == (0, "done", 0)


WRONG_WORDS = {
    "a mode that nobody knows": ("mode", "shut"),
    "no mode": ("mode",),
    "a drill of an hour": ("drill", "60"),
    "no events": ("erase",),
    "a word too many": ("restart", "now"),
    "a file that is not there": ("bundle", "none.bundle"),
    "no second signature needed": ("open", "--out", "open.order"),
    "nothing to send": ("send", "none.order"),
    "a drill of a word": ("drill", "²"),
    "events backwards": ("replay", "999:5-1"),
    "no file": ("bundle",),
}


@pytest.mark.parametrize("words", WRONG_WORDS.values(), ids=WRONG_WORDS.keys())
def test_what_is_wrong_on_the_command_line_reaches_no_broker(run: Run, words: tuple[str, ...]) -> None:
    assert run("op-1", *words)[0] == 2


def test_a_gate_must_be_named(province: Province) -> None:
    assert main(["command", "open", "--settings", str(province.folder("op-1")), "--site", SITE]) == 2


def test_a_holder_whom_the_broker_does_not_know_is_no_contact(province: Province, run: Run) -> None:
    assert main(["command-key", "--out", str(province.out), "--id", "op-9"]) == 0
    code, answer = run("op-9", "open")
    assert (code, "commands in broker.toml" in answer["stderr"] or "[clients] commands" in answer["stderr"]) == (6, True)


def test_a_folder_that_is_not_whole_is_told_before_anybody_is_asked(province: Province, tmp_path: Path) -> None:
    words = ["command", "open", "--site", SITE, "--gate", GATE, "--settings"]
    assert main([*words, str(tmp_path)]) == 3
    folder = shutil.copytree(province.folder("op-1"), tmp_path / "op-1")
    (folder / "tls" / "command.crt").write_bytes(b"junk")
    assert main([*words, str(folder)]) == 4
    (folder / "order.key").unlink()
    assert main([*words, str(folder)]) == 4


@pytest.mark.usefixtures("gate")
def test_a_person_is_told_in_words(province: Province, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--settings", str(province.folder("op-1")), "--site", SITE, "--gate", GATE]
    assert main(["command", "open", *words]) == 0
    assert main(["command", "mode", "locked", *words]) == 1
    assert capsys.readouterr().out == (
        f"{GATE}: open is done: one person is let through (entry)\n"
        f"{GATE}: mode does not count: a second key must sign it (needs_two)\n"
        "  → --second-key FILE, or --out FILE for a signer on another machine\n"
    )
