from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import serial

from device import config, doctor
from device.doctor import Check, Result
from device.domain import EventType
from device.events.pseudonyms import VIET_NAM
from tests.brokers import HOST, Authority, Broker, make_authority, needs_mosquitto
from tests.device.boards import OFF, Board
from tests.device.complete import HEIGHT, WIDTH, complete, record
from tests.device.gate.desk import Desk
from tests.device.reader.scanners.played import PlayedGm65
from tests.device.reader.scanners.plugged import Plugged
from tests.gates import Gate
from tests.offices import Office, OfficeGate

CHECKS = [
    *("settings", "users", "decoders", "camera", "store", "pseudonyms", "bundles", "lists", "identity"),
    *("pins", "relay", "clock", "certificate", "broker"),
]


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
        "users": "ok",
        "decoders": "ok",
        "camera": "ok",
        "store": "ok",
        "pseudonyms": "ok",
        "bundles": "warn",
        "lists": "skip",
        "identity": "ok",
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
    assert next(line for line in lines if line.startswith(" ")) == "                   → `qrgate-provision init` writes it: [bundles] public_key"
    assert '                   → on a Pi: pins.factory = "lgpio"' in lines


def test_wrong_settings_are_told_and_exit_code_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "site.toml", '"p1"', '"P 1"')
    assert doctor.run(folder) == 3
    text = capsys.readouterr().out
    assert text.startswith(f"fail  settings     1 mistake in the settings:\n  {folder}/site.toml:")
    code, checks = examined(folder, capsys)
    assert (code, list(checks), checks["settings"].fix) == (3, ["settings"], "mend them; `qrgate doctor` checks again")


def test_every_check_runs_whatever_the_others_find(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "state")
    (folder / "state").write_bytes(b"")
    shutil.rmtree(folder / "nobody")
    (folder / "pseudonym.json").write_bytes(b"{}")
    (folder / "ca.crt").unlink()
    (folder / "g1.crt").unlink()
    edit(folder, "gate.toml", 'kind = "lcus"\nport = ', 'kind = "lcus"\nport = "/dev/unplugged"  # ')
    code, checks = examined(folder, capsys)
    assert (code, list(checks)) == (1, CHECKS)
    failed = [name for name, check in checks.items() if check.result is Result.FAIL]
    assert failed == ["camera", "store", "pseudonyms", "relay", "certificate", "broker"]
    assert checks["broker"].detail == f"broker.ca_file {folder}/ca.crt cannot be used: No such file or directory"


# --- one check -------------------------------------------------------------------------------------------------


def test_a_picture_that_is_nearly_black_is_a_warning(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "gate.toml", str(folder / "nobody"), str(record(tmp_path / "night", luma=3)))
    _, checks = examined(folder, capsys)
    assert checks["camera"] == Check(
        "camera", Result.WARN, f"recording: {WIDTH}x{HEIGHT}, nearly black (mean 3 of 255)", "is the lens covered, or the place dark?"
    )


MANUAL = "show it the printed codes of its manual: none may change it (hardware/scan-modules.md)"


def with_scanner(folder: Path, lines: str) -> None:
    edit(folder, "gate.toml", 'source = "recording"', 'source = "scanner"')
    with (folder / "gate.toml").open("a", encoding="utf-8") as file:
        file.write(f"[scanner]\n{lines}\n")


def test_a_scan_module_is_set_up_and_its_set_up_codes_are_read_back(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged:
        with_scanner(folder, f'model = "gm65"\nport = "{plugged.path}"')
        code, checks = examined(folder, capsys)
        assert plugged.module.zones[0x0003] == 0x02
    assert (code, checks["camera"]) == (0, Check("camera", Result.OK, f"gm65 at {plugged.path}: set-up codes are off, as read back", ""))
    assert checks["decoders"] == Check("decoders", Result.SKIP, "the scan module decodes by itself", "see camera")


def test_a_scan_module_that_keeps_its_set_up_codes_on_fails(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Plugged(tmp_path, PlayedGm65(stubborn=frozenset({0x0003}))) as plugged:
        with_scanner(folder, f'model = "gm65"\nport = "{plugged.path}"')
        code, checks = examined(folder, capsys)
    assert (code, checks["camera"]) == (
        1,
        Check(
            "camera",
            Result.FAIL,
            "the scan module does not take a setting: printed set-up codes off (zone 0003 reads 00)",
            "while set-up codes work, anybody can print one that reconfigures it: use another module",
        ),
    )


@pytest.mark.parametrize(
    ("played", "model", "expected"),
    [
        pytest.param(PlayedGm65(mute=True), "gm65", (Result.FAIL, "the scan module at {} does not answer", "is TX wired to RX"), id="mute"),
        pytest.param(PlayedGm65(), "terminated", (Result.WARN, "terminated at {}: it cannot be asked anything: show it a code", MANUAL), id="mum"),
        pytest.param(PlayedGm65(), "honeywell", (Result.FAIL, "the scan module at {} does not answer", "is TX wired to RX"), id="another"),
    ],
)
def test_of_a_scan_module_it_is_told_what_is_known(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], played: PlayedGm65, model: str, expected: tuple[Result, str, str]
) -> None:
    result, detail, fix = expected
    with Plugged(tmp_path, played) as plugged:
        with_scanner(folder, f'model = "{model}"\nport = "{plugged.path}"')
        check = examined(folder, capsys)[1]["camera"]
    assert (check.result, check.detail) == (result, detail.format(plugged.path))
    assert check.fix.startswith(fix)


def test_a_scan_module_that_the_reader_holds_fails(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Plugged(tmp_path, PlayedGm65()) as plugged, serial.Serial(str(plugged.path), exclusive=True):
        with_scanner(folder, f'model = "gm65"\nport = "{plugged.path}"')
        assert examined(folder, capsys)[1]["camera"].result is Result.FAIL


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


def test_a_relay_whose_pins_have_no_driver_is_not_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if Path("/dev/gpiochip15").exists():
        pytest.skip("this machine has sixteen gpiochips")
    edit(folder, "gate.toml", 'factory = "mock"', 'factory = "lgpio"\nchip = 15')
    edit(folder, "gate.toml", 'kind = "lcus"', 'kind = "gpio"')
    code, checks = examined(folder, capsys)
    assert (code, checks["relay"]) == (1, Check("relay", Result.SKIP, "gpio at pin 17 was not looked at", "see pins"))


def test_a_relay_on_a_mock_pin_is_not_called_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "gate.toml", 'kind = "lcus"', 'kind = "gpio"')
    _, checks = examined(folder, capsys)
    assert checks["relay"] == Check("relay", Result.SKIP, "gpio at pin 17 is a mock: nothing moves", "see pins")


def test_a_lane_that_stands_free_is_left_alone(gate: Gate, board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    (gate.state / "fire").touch()
    _, checks = examined(gate.folder, capsys)
    assert (checks["relay"].result, checks["relay"].detail) == (Result.SKIP, f"lcus at {board.path} was not looked at: the lane stands free")
    assert board.switched() == []


def test_a_user_who_is_not_there_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gate.toml").write_text(
        (folder / "gate.toml").read_text("utf-8") + '[links]\nreader_user = "root"\nuplink_user = "nobody-999"\n', "utf-8"
    )
    code, checks = examined(folder, capsys)
    fix = "`sudo make install` makes them; where one user runs the whole gate, leave them empty"
    assert (code, checks["users"]) == (1, Check("users", Result.FAIL, "no such user: links.uplink_user 'nobody-999'", fix))


def test_no_decoder_at_all_is_a_mistake_in_the_settings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "gate.toml", '["zxing"]', "[]")
    code, checks = examined(folder, capsys)
    assert (code, checks["settings"].result) == (3, Result.FAIL)
    assert "reader.decoders: expected a list of at least 1, found []" in checks["settings"].detail


def test_a_state_folder_that_can_be_made_is_a_warning_and_one_that_cannot_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "state").rmdir()
    _, checks = examined(folder, capsys)
    assert checks["store"] == Check("store", Result.WARN, f"{folder}/state does not exist yet", "it is made at the gate's first start")
    edit(folder, "gate.toml", 'state = "state"', 'state = "nowhere/state"')
    code, checks = examined(folder, capsys)
    assert (code, checks["store"].result) == (1, Result.FAIL)
    assert checks["store"].detail == f"{folder}/nowhere/state is no folder, and cannot be made one in {folder}/nowhere"


def held(*days: int, site: str = "s1", own: bool = False) -> str:
    """Keys for days counted from today."""
    today = datetime.now(VIET_NAM).date()
    content = {"site": site, "days": {(today + timedelta(each)).isoformat(): "5a" * 32 for each in days}}
    return json.dumps(content | ({"own": True} if own else {}))


RUN_OUT = "the office's keys have run out, and no other gate of the site knows a person by the same number"


@pytest.mark.parametrize(
    ("kept", "first", "result", "detail"),
    [
        (None, held(0, 7), Result.OK, "the keys wait for the gate's first start; 7 more days are held, to DAY+7"),
        (held(0, 7), None, Result.OK, "the key in use is that of DAY+0; 7 more days are held, to DAY+7"),
        (held(0, 6), None, Result.WARN, "the key in use is that of DAY+0; 6 more days are held, to DAY+6"),
        (held(-3, 5), None, Result.WARN, "the key in use is that of DAY-3; 5 more days are held, to DAY+5"),
        (held(-3), None, Result.WARN, f"the key in use is that of DAY-3; {RUN_OUT}"),
        (held(0, own=True), None, Result.WARN, f"the key in use is that of DAY+0; {RUN_OUT}"),
        (held(0, 7), held(0, 7), Result.WARN, "in use since DAY+0, and others lie at FOLDER/pseudonym.json"),
        (held(0, 7, site="s2"), None, Result.FAIL, "the pseudonym keys are those of site s2, not of s1"),
        (
            None,
            None,
            Result.FAIL,
            "there is no pseudonym key, neither FOLDER/state/pseudonym.json nor FOLDER/pseudonym.json: the gate does not start",
        ),
        ("{", None, Result.FAIL, "FOLDER/state/pseudonym.json holds no pseudonym key"),
        (None, held(0).replace("5a", ""), Result.FAIL, "FOLDER/pseudonym.json holds no pseudonym key"),
    ],
    ids=["wait", "in use", "low", "low, by today", "run out", "its own", "both", "another site's", "none", "damaged", "too short"],
)
def test_the_pseudonym_keys_are_in_use_or_wait(
    folder: Path, kept: str | None, first: str | None, result: Result, detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, content in ((folder / "state" / "pseudonym.json", kept), (folder / "pseudonym.json", first)):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content, encoding="ascii")
    _, checks = examined(folder, capsys)
    today = datetime.now(VIET_NAM).date()
    expected = re.sub(r"DAY([+-]\d)", lambda found: (today + timedelta(int(found[1]))).isoformat(), detail).replace("FOLDER", str(folder))
    assert (checks["pseudonyms"].result, checks["pseudonyms"].detail) == (result, expected)
    if result is Result.FAIL:
        assert f"qrgate-provision keys --gate g1; copy its pseudonym.json to {folder}/pseudonym.json" in checks["pseudonyms"].fix


@pytest.mark.parametrize(("source", "result"), [("none", Result.WARN), ("rtc", Result.FAIL)])
def test_a_clock_that_nobody_vouches_for_is_told_with_what_follows(
    folder: Path, source: str, result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    if source == "rtc" and Path("/sys/class/rtc/rtc0/since_epoch").exists():
        pytest.skip("this machine has a battery clock")
    edit(folder, "gate.toml", '[clock]\nsource = "system"', f'[clock]\nsource = "{source}"')
    code, checks = examined(folder, capsys)
    assert (code, checks["clock"].result) == (1 if result is Result.FAIL else 0, result)
    assert checks["clock"].detail.endswith(
        "every pass with a date is refused, and pseudonyms do not turn at midnight: a person stays the same number"
    )
    assert "DS3231" in checks["clock"].fix
    assert 'clock.source = "system"' in checks["clock"].fix


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
        assert (code, [name for name, check in checks.items() if check.result is Result.SKIP]) == (0, ["camera", "lists", "pins", "relay"])
        assert board.switched() == []
    gate.stop()


# --- what the province decided ---------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def decided(gate: OfficeGate) -> dict[str, tuple[str, str]]:
    """(result, detail) of what is said about the province's decisions."""
    settings = config.load(gate.folder)
    checks = {check.id: check for check in doctor.examine(settings)}
    return {name: (checks[name].result.value, checks[name].detail) for name in ("bundles", "lists", "identity")}


def taken(gate: OfficeGate, *files: Path) -> None:
    """Run the gate until all of ``files``, each of another kind, are in force."""
    gate.start()
    with closing(Desk(gate)) as desk:
        for file in files:
            gate.hand_over(file)
        facts = desk.data(EventType.AUDIT, 1)
        while not {file.name.partition("-")[0] for file in files} <= {fact.get("list") or fact.get("bundle") for fact in facts}:
            facts = desk.data(EventType.AUDIT, len(facts) + 1)
    assert "Traceback" not in gate.stop()


POLICY = """\
place = "lodging"
mode = "list"
[lists]
allow = "refuse"
deny = "overlook"
[identity]
sealed = true
retention_days = 14
recipient = "{key}"
"""


def test_a_gate_without_any_decision_of_the_province_goes_by_its_settings(office: Office, tmp_path: Path) -> None:
    told = decided(office.gate(tmp_path / "gate"))
    assert told == {
        "bundles": ("warn", "no policy, no trust: the gate goes by site.toml, mode verify"),
        "lists": ("ok", "none, and none is needed"),
        "identity": ("ok", "off: who somebody was is not kept"),
    }


def test_what_the_policy_needs_and_is_missing_is_a_fault_and_what_is_kept_of_people_is_said_plainly(office: Office, tmp_path: Path) -> None:
    office.run("identity", "make", tmp_path / "department")
    gate = office.gate(tmp_path / "gate")
    taken(
        gate,
        office.policy(POLICY.format(key=(tmp_path / "department/identity.pub").read_text().strip())),
        office.list_of("deny", "cccd,999000000001"),
    )
    told, today = decided(gate), datetime.now(VIET_NAM).date().isoformat()
    assert re.fullmatch(rf"policy [0-9]+ of {today}, no trust", told["bundles"][1])
    assert told["lists"] == ("fail", f"deny 1 (1) of {today}; allow is missing; nobody is let in until it is here")
    assert re.fullmatch(r"ON: who passed is kept for 14 days, sealed to the health department's key [0-9a-f]{16}", told["identity"][1])
    taken(gate, office.list_of("allow", "cccd,999000000001"))
    assert decided(gate)["lists"][0] == "ok"


def test_a_damaged_bundle_is_a_fault(office: Office, tmp_path: Path) -> None:
    gate = office.gate(tmp_path / "gate")
    (gate.state / "bundles").mkdir(parents=True)
    (gate.state / "bundles/policy.bundle").write_bytes(b"flipped bits")
    told = decided(gate)
    assert [told[name][0] for name in ("bundles", "lists", "identity")] == ["fail", "fail", "fail"]
    assert told["bundles"][1].endswith("policy.bundle is damaged: not_a_bundle")


def test_a_gate_that_lost_its_list_key_can_look_nobody_up(office: Office, tmp_path: Path) -> None:
    gate = office.gate(tmp_path / "gate")
    (gate.folder / "list.key").unlink()
    assert decided(gate)["lists"] == ("warn", "there is no list key: this gate can look nobody up")
