from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.broker import KINDS
from provisioning.cli import main

MADE = {
    "mosquitto": ["acl", "data", "mosquitto.conf"],
    "rabbitmq": ["definitions.json", "enabled_plugins", "rabbitmq.conf"],
    "emqx": ["acl.conf", "qrgate.hocon"],
}


@pytest.fixture
def description(out: Path) -> Path:
    """The province's own, with its gate named."""
    path = out / "authority" / "broker.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("#gates = []", 'gates = ["g-a"]'), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_the_settings_of_each_kind_are_made_from_one_description(
    kind: str, description: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    assert main(["broker", str(description), "--kind", kind, "--out", str(made), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"settings": str(made), "host": "127.0.0.1", "port": 8883}
    assert sorted(path.name for path in made.iterdir()) == MADE[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_next_is_told(kind: str, description: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broker", str(description), "--kind", kind, "--out", str(tmp_path / "made")]) == 0
    told = capsys.readouterr().out
    assert f"copy {tmp_path / 'made'} and the certificates to {description.parents[1] / 'broker'}" in told
    assert "systemctl restart" in told


def test_the_office_makes_the_same_mosquitto_from_the_same_description(description: Path, out: Path, tmp_path: Path) -> None:
    assert main(["broker", "--out", str(out)]) == 0
    assert main(["broker", str(description), "--out", str(tmp_path / "made")]) == 0
    for name in ("mosquitto.conf", "acl"):
        assert (tmp_path / "made" / name).read_bytes() == (out / "broker" / name).read_bytes()


def test_rabbitmq_wants_its_gates_named(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broker", str(out / "authority" / "broker.toml"), "--kind", "rabbitmq", "--out", str(tmp_path / "made")]) == 2
    assert 'write gates = ["gb-01", …] into [clients]' in capsys.readouterr().err


def test_another_kind_wants_its_description_named(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broker", "--kind", "emqx", "--out", str(out)]) == 2
    assert f"name its description: {out}/authority/broker.toml" in capsys.readouterr().err


def test_a_description_that_names_no_province_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broker.toml").write_text('[broker]\nhost = "h"\nfolder = "/b"\nuser = "u"\n', encoding="ascii")
    assert main(["broker", str(tmp_path / "broker.toml"), "--out", str(tmp_path / "made")]) == 2
    assert "write province = " in capsys.readouterr().err
