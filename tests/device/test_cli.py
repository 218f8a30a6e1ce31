from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from device.cli import EPILOG, main
from tests.gates import Gate


def run(*arguments: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``qrgate ARGUMENTS`` as a process of its own."""
    done = subprocess.run([sys.executable, *options, "-m", "device", *arguments], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr


def test_help_lists_the_exit_codes_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert text.endswith(EPILOG)
    assert [f"{code} " in EPILOG for code in (0, 1, 2, 3, 4, 5, 6, 7, 130)] == [True] * 9


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert (caught.value.code, capsys.readouterr().out) == (0, f"qrgate {version('qrgate')}\n")


def test_the_help_of_the_demo_has_two_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    assert capsys.readouterr().out.count("\n  qrgate demo ") == 2


@pytest.mark.parametrize("command", ["run", "demo", "status", "doctor", "replay", "focus", "failsafe"])
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: qrgate {command} ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["open"], "invalid choice: 'open'"),
        (["run", "broker"], "invalid choice: 'broker'"),
        (["doctor", "--jason"], "unrecognized arguments: --jason"),
        (["replay", "photos", "--at-least", "most"], "invalid float value: 'most'"),
        (["demo", "--camera", "--webcam", "/dev/video0"], "not allowed with argument --camera"),
    ],
)
def test_a_wrong_command_line_is_told_with_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_an_expected_error_is_words_a_hint_and_its_exit_code() -> None:
    code, out, err = run("run", "--settings", "/nowhere")
    assert (code, out) == (3, "")
    assert err == (
        "qrgate run: 2 mistakes in the settings:\n"
        "  /nowhere/gate.toml:1: no such file (`qrgate-provision init` makes one)\n"
        "  /nowhere/site.toml:1: no such file (`qrgate-provision init` makes one)\n"
        "  → mend them; `qrgate doctor` checks again\n"
    )


def test_failsafe_needs_nothing_of_the_rest(tmp_path: Path) -> None:
    code, _, times = run("failsafe", "--settings", str(Gate(tmp_path / "gate").folder), options=("-X", "importtime"))
    imported = {
        name for line in times.splitlines() if (name := line.rpartition("|")[2].strip()).startswith(("device", "cbor2", "serial", "gpiozero"))
    }
    assert (code, imported) == (0, {"device", "device.cli", "device.failsafe"})


def test_failsafe_hands_on_its_exit_code(tmp_path: Path) -> None:
    code, out, err = run("failsafe", "--settings", str(tmp_path))
    assert (code, out) == (3, "")
    assert err.startswith(f"qrgate failsafe: no settings in {tmp_path}: ")
