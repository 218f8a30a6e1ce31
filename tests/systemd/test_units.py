"""systemd understands every line of our units, and they hold what the gate's safety rests on."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from device.clock import NS
from device.gate.act import IDLE_NS
from device.gate.status_file import MODE
from device.reader.feed import HANG_S, OPEN_S
from device.reader.restarts import PAUSE_MAX_S
from device.reader.stalls import SILENT_NS
from device.settings import Relay

FOLDER = Path(__file__).parents[2] / "systemd"
PROGRAM = "/opt/qrgate/bin/qrgate"
PROCESSES = ("reader", "gate", "uplink")
RECORDER = "recorder/qrgate-recorder.service"
RECORDER_PROGRAM = "/opt/qrgate/.venv/bin/qrgate-provision"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")


def service(unit: str) -> dict[str, str]:
    """The [Service] section, the last of keys that stand there twice."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys of systemd have capitals
    parser.read(FOLDER / unit, encoding="utf-8")
    return dict(parser["Service"])


def verify(folder: Path, *, drop_in: str = "") -> tuple[int, str]:
    """Exit status and complaints of systemd about our units, their program replaced by one that exists on every machine."""
    for unit in [*FOLDER.glob("*.service"), *FOLDER.glob("*.target"), FOLDER / RECORDER]:
        text = unit.read_text(encoding="utf-8")
        (folder / unit.name).write_text(text.replace(RECORDER_PROGRAM, "/bin/true").replace(PROGRAM, "/bin/true"), encoding="utf-8")
    units = sorted(str(unit) for unit in folder.iterdir())
    (folder / "qrgate-gate.service.d").mkdir()
    (folder / "qrgate-gate.service.d" / "test.conf").write_text(drop_in, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", *units]
    done = subprocess.run(command, env={"SYSTEMD_UNIT_PATH": f"{folder}:"}, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stderr


@needs_systemd
def test_systemd_has_nothing_to_say_against_the_units(tmp_path: Path) -> None:
    assert verify(tmp_path) == (0, "")  # an unknown key leaves the status 0: the silence counts


@needs_systemd
def test_systemd_is_heard_when_a_key_is_misspelt(tmp_path: Path) -> None:
    _, complaints = verify(tmp_path, drop_in="[Service]\nWatchdogSek=5s\n")
    assert "WatchdogSek" in complaints


@pytest.mark.parametrize("process", PROCESSES)
def test_each_process_is_watched_starts_again_and_is_not_root(process: str) -> None:
    unit = service(f"qrgate-{process}.service")
    kept = {key: unit.get(key) for key in ("Type", "Restart", "ExecStart", "User")}
    assert kept == {
        "Type": "notify",
        "Restart": "always",
        "ExecStart": f"{PROGRAM} run {process} --settings /etc/qrgate",
        "User": f"qrgate-{process}",
    }
    assert unit["WatchdogSec"].endswith("s")


def test_root_and_the_group_qrgate_may_read_how_the_gate_is_and_nobody_else() -> None:
    unit = service("qrgate-gate.service")
    kept = {key: unit[key] for key in ("Group", "UMask", "RuntimeDirectory", "RuntimeDirectoryMode")}
    assert (kept, MODE) == ({"Group": "qrgate", "UMask": "0077", "RuntimeDirectory": "qrgate", "RuntimeDirectoryMode": "0750"}, 0o640)
    assert "d /run/qrgate     0750 qrgate-gate qrgate -" in (FOLDER / "tmpfiles.conf").read_text(encoding="utf-8").splitlines()


def test_a_reader_that_crashed_is_back_within_three_seconds_and_is_never_given_up() -> None:
    """What systemd waits, the start itself and the sight of the code; how the pause grows is its own affair (``restarts.py``)."""
    unit = service("qrgate-reader.service")
    kept = {key: unit[key] for key in ("RestartSec", "RuntimeDirectory", "RuntimeDirectoryPreserve", "TimeoutStartSec")}
    assert kept == {"RestartSec": "500ms", "RuntimeDirectory": "qrgate-reader", "RuntimeDirectoryPreserve": "restart", "TimeoutStartSec": "60s"}
    assert PAUSE_MAX_S + OPEN_S < 60
    assert "StartLimitIntervalSec=0" in (FOLDER / "qrgate-reader.service").read_text(encoding="utf-8").splitlines()


def test_the_watchdog_leaves_a_silent_camera_to_the_reader() -> None:
    """Until then, what hangs in the reader's own hands has ended it with words of its own."""
    assert service("qrgate-reader.service")["WatchdogSec"] == "15s"
    assert SILENT_NS / NS + HANG_S < 15


@pytest.mark.parametrize("unit", ["qrgate.target", *(f"qrgate-{process}.service" for process in PROCESSES)])
def test_nothing_starts_on_a_gate_without_settings(unit: str) -> None:
    # In each service too: a target whose assertion fails still pulls in what it wants (seen with systemd 257).
    asserted = [line for line in (FOLDER / unit).read_text(encoding="utf-8").splitlines() if line.startswith("AssertPathExists=")]
    assert asserted == ["AssertPathExists=/etc/qrgate/gate.toml", "AssertPathExists=/etc/qrgate/site.toml"]


def test_failsafe_runs_before_the_gate_and_after_each_of_its_ends() -> None:
    command = f"{PROGRAM} failsafe --settings /etc/qrgate"
    assert (service("qrgate-gate.service")["ExecStopPost"], service("qrgate-failsafe.service")["ExecStart"]) == (command, command)
    assert "Before=qrgate-gate.service" in (FOLDER / "qrgate-failsafe.service").read_text(encoding="utf-8")


def test_a_gate_that_hangs_is_ended_before_its_relay_has_been_on_for_its_maximum() -> None:
    unit = service("qrgate-gate.service")
    assert (unit["WatchdogSec"], unit["WatchdogSignal"]) == ("2s", "SIGKILL")
    failsafe_s = 1.0  # Python's start on a small Pi
    assert 2 + failsafe_s <= Relay().max_on_s
    assert 4 * IDLE_NS <= 2 * NS


@pytest.mark.parametrize("unit", ["qrgate-gate.service", "qrgate-failsafe.service"])
def test_what_keeps_a_lane_free_outlives_the_units_that_leave_it_behind(unit: str) -> None:
    assert service(unit)["KillMode"] == "process"


def test_the_gate_may_make_the_fifo_of_its_pin_driver() -> None:
    unit = service("qrgate-gate.service")
    assert (unit["RuntimeDirectory"], unit["WorkingDirectory"]) == ("qrgate", "/run/qrgate")


@pytest.mark.parametrize("process", PROCESSES)
def test_the_users_of_the_units_are_made(process: str) -> None:
    made = [line.split()[1] for line in (FOLDER / "sysusers.conf").read_text(encoding="utf-8").splitlines() if line.startswith("u ")]
    assert f"qrgate-{process}" in made


def test_the_recorder_is_never_given_up_is_not_root_and_comes_to_no_gate() -> None:
    unit = service(RECORDER)
    kept = {key: unit[key] for key in ("Restart", "ExecStart", "User", "UMask", "ProtectSystem", "NoNewPrivileges")}
    assert kept == {
        "Restart": "always",
        "ExecStart": f"{RECORDER_PROGRAM} recorder --settings /var/lib/qrgate-recorder",
        "User": "qrgate-recorder",
        "UMask": "0077",
        "ProtectSystem": "full",
        "NoNewPrivileges": "yes",
    }
    assert "StartLimitIntervalSec=0" in (FOLDER / RECORDER).read_text(encoding="utf-8").splitlines()
    assert list(FOLDER.glob("*recorder*.service")) == []  # make install takes what lies there


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed here")
@pytest.mark.parametrize("users", ["sysusers.conf", "recorder/sysusers.conf"])
def test_sysusers_has_nothing_to_say_against_the_users(users: str) -> None:
    done = subprocess.run(["systemd-sysusers", "--dry-run", str(FOLDER / users)], capture_output=True, text=True, check=False, timeout=30)
    complaints = [line for line in done.stderr.splitlines() if "sysusers.conf:" in line]
    assert (done.returncode, complaints) == (0, [])
