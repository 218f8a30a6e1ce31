from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from device.credentials.kd1 import issuer_key_id, read
from device.domain import Credential, Direction, Proof
from provisioning.authority.keys import raw_public, read_signing_key
from provisioning.cli import main


def init(out: Path, *more: str) -> int:
    return main(["init", "--province", "p-999", "--site", "s-999", "--gate", "g-a", "--out", str(out), *more])


def test_init_tells_where_everything_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path, "--json") == 0
    out, errors = capsys.readouterr()
    document = json.loads(out)
    assert errors == ""
    assert {name: path for name, path in document.items() if name != "issuer_key_id"} == {
        "authority": f"{tmp_path}/authority",
        "gate": f"{tmp_path}/gates/g-a",
        "broker": f"{tmp_path}/broker",
        "recorder": f"{tmp_path}/recorder",
        "watcher": f"{tmp_path}/watcher",
    }


def test_a_seed_is_warned_of_and_gives_the_same_issuer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issuers = set()
    for name in ("one", "two"):
        assert init(tmp_path / name, "--json", "--issuer-seed", "99" * 32) == 0
        out, errors = capsys.readouterr()
        issuers.add(json.loads(out)["issuer_key_id"])
        assert errors == "qrgate-provision: warning: --issuer-seed makes a key that others can make too; for demonstrations and tests only\n"
    assert len(issuers) == 1


def test_a_pass_is_a_picture_and_a_text_that_the_gate_proves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path)
    capsys.readouterr()
    arguments = ["--zone", "main", "--zone", "hall", "--direction", "entry", "--from", "2027-05-01", "--until", "2027-05-31"]
    arguments += ["--uses", "2", "--counted-at", "g-a", "--out", str(tmp_path / "pass.png"), "--text", "--json"]
    assert main(["pass", "--authority", str(tmp_path / "authority"), *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    pass_id = bytes.fromhex(document["pass_id"])
    issuer = read_signing_key(tmp_path / "authority" / "pass-issuer.key")
    key_id = issuer_key_id(raw_public(issuer))
    credential = read(document.pop("text").encode(), {key_id: issuer.public_key()})
    assert isinstance(credential, Credential)
    assert credential.pass_key == key_id + pass_id
    assert (credential.proof, credential.zones, credential.direction) == (Proof.PROVEN, ("main", "hall"), Direction.ENTRY)
    assert (credential.valid_from_s, credential.valid_until_s, credential.uses, credential.counted_at) == (1809104400, 1811782799, 2, "g-a")
    assert document == {
        "key_id": key_id.hex(),
        "pass_id": pass_id.hex(),
        "valid_from": "2027-05-01T00:00:00+07:00",
        "valid_until": "2027-05-31T23:59:59+07:00",
        "terms": "zones main, hall, entry only, 1 May 2027 to 31 May 2027, 2 uses, counted at g-a",
        "picture": f"{tmp_path}/pass.png",
        "sheet": None,
    }
    assert (tmp_path / "pass.png").read_bytes().startswith(b"\x89PNG")


def test_a_pass_is_told_in_words_and_doubted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path)
    issue = ["pass", "--authority", str(tmp_path / "authority")]
    capsys.readouterr()
    assert main([*issue, "--zone", "main", "--until", "2027-05-31", "--out", str(tmp_path / "pass.PNG")]) == 0
    assert tuple(capsys.readouterr()) == (f"{tmp_path}/pass.PNG: zone main, until 31 May 2027, any number of uses\n", "")
    assert main([*issue, "--text"]) == 0
    out, told = capsys.readouterr()
    assert (out.startswith("KD1."), out.count("\n")) == (True, 1)
    assert told == (
        "qrgate-provision: warning: this pass is good for ever and everywhere; --days and --zone limit it\n"
        "pass: every zone, for ever, any number of uses\n"
    )


def test_renewing_changes_no_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path)
    before = (tmp_path / "gates" / "g-a" / "tls" / "gate.crt").read_bytes()
    assert init(tmp_path, "--renew", "--set", "relay.pin=18") == 2
    capsys.readouterr()
    assert init(tmp_path, "--renew") == 0
    assert f"next, the gate: copy {tmp_path}/gates/g-a/tls to the Pi" in capsys.readouterr().out
    assert (tmp_path / "gates" / "g-a" / "tls" / "gate.crt").read_bytes() != before


def test_the_version_is_told() -> None:
    told = subprocess.run([sys.executable, "-m", "provisioning", "--version"], capture_output=True, text=True, check=True, timeout=30)
    assert re.fullmatch(r"qrgate-provision (\d+\.\d+\.\d+|\(not installed\))\n", told.stdout)


def test_a_broker_that_moved_is_told_to_who_still_names_the_old_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path)
    assert main(["command-key", "--out", str(tmp_path), "--id", "op-1"]) == 0
    description = tmp_path / "authority" / "broker.toml"
    description.write_text(description.read_text("utf-8").replace("port = 8883", "port = 18883"), encoding="utf-8")
    capsys.readouterr()
    assert main(["broker", "--out", str(tmp_path)]) == 0
    told = 'names 127.0.0.1:8883: write host = "127.0.0.1" and port = 18883 into its [broker], and wherever it was copied to'
    files = [tmp_path / name for name in ("gates/g-a/site.toml", "recorder/recorder.toml", "commands/op-1/command.toml")]
    assert capsys.readouterr().err.splitlines() == [f"qrgate-provision: warning: {file} {told}" for file in files]


def test_init_ends_with_what_comes_next_and_for_the_second_gate_with_the_gate_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path, "--broker-host", "mqtt.example.vn") == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("next, ")] == [
        f"next, the gate: copy {tmp_path}/gates/g-a to the Pi, then there, in a checkout of qrgate (it hands the settings over and starts the gate):",
        f"next, the broker: copy {tmp_path}/broker to mqtt.example.vn, then there, with mosquitto installed:",
        f"next, the recorder: copy {tmp_path}/recorder to its machine, then there, with qrgate (`make venv`), as the user that runs it:",
    ]
    assert main(["init", "--province", "p-999", "--site", "s-999", "--gate", "g-b", "--out", str(tmp_path)]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("next, ")] == ["next, the gate"]


def test_broker_is_written_again_with_a_new_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path)
    before = (tmp_path / "broker" / "server.crt").read_bytes()
    capsys.readouterr()
    assert main(["broker", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"broker": f"{tmp_path}/broker", "host": "127.0.0.1", "port": 8883}
    assert (tmp_path / "broker" / "server.crt").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "code", "errors"),
    [
        (["dance"], 2, "qrgate-provision: argument COMMAND: invalid choice: 'dance'"),
        (
            ["init"],
            2,
            "qrgate-provision: the following arguments are required: --province, --site, --gate, --out\n  → `qrgate-provision init --help`",
        ),
        (
            ["pass", "--authority", "x"],
            2,
            "qrgate-provision: nothing to make\n  → give --out FILE.png for a picture, --text for the text, --sheet FILE.pdf to print, or several\n",
        ),
        (
            ["pass", "--authority", "x", "--out", "pass.jpg"],
            2,
            "qrgate-provision: argument --out: the picture is a PNG: expected a name that ends in .png, found 'pass.jpg'",
        ),
        (["pass", "--authority", "x", "--days", "0", "--text"], 2, "qrgate-provision: argument --days: expected 1 to 10000, found '0'"),
        (
            ["pass", "--authority", "x", "--from", "soon", "--text"],
            2,
            "qrgate-provision: argument --from: expected a day such as 2027-05-31, found 'soon'",
        ),
        (["pass", "--authority", "x", "--days", "1", "--from", "2027-05-01", "--text"], 2, "qrgate-provision: --days excludes --from and --until"),
        (["pass", "--authority", "/nonexistent", "--text"], 4, "qrgate-provision: there is no key /nonexistent/pass-issuer.key\n  → "),
        (["broker", "--out", "/nonexistent"], 4, "qrgate-provision: the certificate /nonexistent/authority/ca.crt cannot be read: No such file"),
        (
            ["recorder", "--settings", "/nonexistent/recorder.toml"],
            3,
            "qrgate-provision: 1 mistake in the settings:\n  /nonexistent/recorder.toml:1: no such file",
        ),
    ],
)
def test_an_error_is_told_once_with_its_exit_code(arguments: list[str], code: int, errors: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    out, told = capsys.readouterr()
    assert out == ""
    assert told.startswith(errors)


@pytest.mark.parametrize("seed", ["", "99", "zz" * 32, "99 " * 21 + "9", "\uff19" * 64])
def test_a_seed_that_is_no_key_is_refused(tmp_path: Path, seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path, "--issuer-seed", seed) == 2
    assert "--issuer-seed: expected 64 hex digits" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["init"], ["pass"], ["broker"], ["recorder"]])
def test_help_teaches_by_examples(command: list[str]) -> None:
    told = subprocess.run([sys.executable, "-m", "provisioning", *command, "--help"], capture_output=True, text=True, check=True, timeout=30)
    assert f"qrgate-provision {' '.join(command) or 'init'} --" in told.stdout
    assert told.stderr == ""
