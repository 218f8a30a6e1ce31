from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import serial

from device import doctor
from device.doctor import Check, Result
from tests.brokers import HOST, Authority, Broker, make_authority, needs_mosquitto
from tests.device.boards import OFF, Board
from tests.device.complete import HEIGHT, WIDTH, complete, record
from tests.gates import Gate

CHECKS = ["settings", "decoders", "camera", "store", "pins", "relay", "clock", "certificate", "broker"]


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@pytest.fixture
def gate(tmp_path: Path, board: Board) -> Gate:
    """A complete gate with mock pins, whose broker is not there."""
    gate, _ = complete(tmp_path / "gate", board)
    gate.state.mkdir()
    return gate


@pytest.fixture
def folder(gate: Gate) -> Path:
    return gate.folder


def examined(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Check]]:
    """Exit code, and each finding by its id."""
    code = doctor.run(folder, as_json=True)
    report = json.loads(capsys.readouterr().out)
    checks = {each["id"]: Check(each["id"], Result(each["result"]), each["detail"], each["fix"]) for each in report["checks"]}
    failed = [check for check in checks.values() if check.result is Result.FAIL]
    assert report["ok"] is not bool(failed)
    assert [check.id for check in checks.values() if check.result in {Result.FAIL, Result.WARN} and not check.fix] == []
    return code, checks


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


# --- the report ------------------------------------------------------------------------------------------------


def test_a_gate_that_is_well_but_for_its_broker_is_exit_code_0(folder: Path, board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = examined(folder, capsys)
    assert (code, list(checks)) == (0, CHECKS)
    assert {name: check.result.value for name, check in checks.items()} == {
        "settings": "ok",
        "decoders": "ok",
        "camera": "ok",
        "store": "ok",
        "pins": "warn",
        "relay": "ok",
        "clock": "ok",
        "certificate": "warn",
        "broker": "warn",
    }
    assert checks["settings"].detail == "gate g1 at p1/s1"
    assert checks["camera"].detail == f"recording: {WIDTH}x{HEIGHT}, mean brightness 128 of 255"
    assert checks["relay"].detail == f"lcus at {board.path} is there, and off"
    assert set(board.switched()) == {OFF}  # it was not switched on to see whether it can
    assert list((folder / "state").iterdir()) == []


def test_the_report_for_people_has_a_line_a_check_and_a_line_for_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if not line.startswith(" ")] == CHECKS
    assert next(line for line in lines if line.startswith(" ")) == '                   → on a Pi: pins.factory = "lgpio"'


def test_wrong_settings_are_told_and_exit_code_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "site.toml", '"p1"', '"P 1"')
    assert doctor.run(folder) == 3
    text = capsys.readouterr().out
    assert text.startswith(f"fail  settings     1 mistake in the settings:\n  {folder}/site.toml:")
    code, checks = examined(folder, capsys)
    assert (code, list(checks), checks["settings"].fix) == (3, ["settings"], "mend them; `qrgate doctor` checks again")


def test_every_check_runs_whatever_the_others_find(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "state")
    shutil.rmtree(folder / "nobody")
    edit(folder, "gate.toml", '["zxing"]', '["owl"]')
    (folder / "ca.crt").unlink()
    (folder / "g1.crt").unlink()
    edit(folder, "gate.toml", 'kind = "lcus"\nport = ', 'kind = "lcus"\nport = "/dev/unplugged"  # ')
    code, checks = examined(folder, capsys)
    assert (code, list(checks)) == (1, CHECKS)
    failed = [name for name, check in checks.items() if check.result is Result.FAIL]
    assert failed == ["decoders", "camera", "store", "relay", "certificate", "broker"]
    assert checks["broker"].detail == f"broker.ca_file {folder}/ca.crt cannot be used: No such file or directory"
    assert checks["store"].detail == f"{folder}/state does not exist"


# --- one check -------------------------------------------------------------------------------------------------


def test_a_picture_that_is_nearly_black_is_a_warning(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "gate.toml", str(folder / "nobody"), str(record(tmp_path / "night", luma=3)))
    _, checks = examined(folder, capsys)
    assert checks["camera"] == Check(
        "camera", Result.WARN, f"recording: {WIDTH}x{HEIGHT}, nearly black (mean 3 of 255)", "is the lens covered, or the place dark?"
    )


def test_a_driver_for_pins_that_is_missing_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if Path("/dev/gpiochip15").exists():
        pytest.skip("this machine has sixteen gpiochips")
    edit(folder, "gate.toml", 'factory = "mock"', 'factory = "lgpio"\nchip = 15')
    code, checks = examined(folder, capsys)
    assert (code, checks["pins"].result) == (1, Result.FAIL)


def test_a_relay_board_that_somebody_else_holds_fails(folder: Path, board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    with serial.Serial(str(board.path), exclusive=True):
        code, checks = examined(folder, capsys)
    assert (code, checks["relay"].result) == (1, Result.FAIL)
    assert board.switched() == []


@pytest.mark.parametrize("source", ["none", "rtc"])
def test_a_clock_that_nobody_vouches_for_is_a_warning(folder: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    if source == "rtc" and Path("/sys/class/rtc/rtc0/since_epoch").exists():
        pytest.skip("this machine has a battery clock")
    edit(folder, "gate.toml", '[clock]\nsource = "system"', f'[clock]\nsource = "{source}"')
    _, checks = examined(folder, capsys)
    assert (checks["clock"].result, checks["clock"].detail.endswith(", untrusted")) == (Result.WARN, True)


@pytest.mark.parametrize(
    ("name", "days", "result", "detail"),
    [
        ("g1", 400, Result.OK, "399 days left"),
        ("g1", 10, Result.WARN, "the certificate has 9 days left"),
        ("g1", -1, Result.FAIL, "the certificate has -2 days left"),
        ("g2", 400, Result.FAIL, "the certificate is not this gate's"),
    ],
)
def test_a_certificate_is_this_gate_s_and_lasts(
    folder: Path, name: str, days: int, result: Result, detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    Authority(folder).issue(name, valid=(now - timedelta(days=30), now + timedelta(days=days)))
    if name != "g1":
        shutil.copyfile(folder / f"{name}.crt", folder / "g1.crt")
    code, checks = examined(folder, capsys)
    assert (checks["certificate"].result, checks["certificate"].detail) == (result, detail)
    assert code == (1 if Result.FAIL in {check.result for check in checks.values()} else 0)


def test_a_certificate_that_is_none_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "g1.crt").write_bytes(b"no certificate")
    code, checks = examined(folder, capsys)
    assert (code, checks["certificate"].result, checks["broker"].result) == (1, Result.FAIL, Result.FAIL)


def test_a_broker_that_is_away_is_a_warning_because_the_gate_works_without(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = examined(folder, capsys)
    assert (code, checks["broker"].result) == (0, Result.WARN)
    assert checks["broker"].detail.endswith(": Connection refused")
    assert checks["broker"].fix == "the gate works without; check the network; is the broker running?"


@needs_mosquitto
def test_a_broker_that_answers_is_well_and_one_of_another_authority_fails(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = next(line for line in (folder / "site.toml").read_text("utf-8").splitlines() if line.startswith("port = "))
    with Broker(folder) as broker:
        edit(folder, "site.toml", port, f"port = {broker.port}")
        _, checks = examined(folder, capsys)
        assert checks["broker"] == Check("broker", Result.OK, f"{HOST}:{broker.port} answers with TLSv1.3", "")
        make_authority(tmp_path / "other", "g1")
        shutil.copyfile(tmp_path / "other" / "ca.crt", folder / "ca.crt")
        code, checks = examined(folder, capsys)
        assert (code, checks["broker"].result) == (1, Result.FAIL)
        assert checks["broker"].fix == "broker.ca_file must hold the authority that signed its certificate"


def test_what_a_running_gate_holds_is_not_touched(gate: Gate, board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    gate.start()
    with closing(gate.connect("uplink")):
        board.switched()
        code, checks = examined(gate.folder, capsys)
        assert (code, [name for name, check in checks.items() if check.result is Result.SKIP]) == (0, ["camera", "pins", "relay"])
        assert board.switched() == []
    gate.stop()
