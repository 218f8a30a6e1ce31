from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.cli import main
from provisioning.simulation import province
from tests.provisioning.live import MOSQUITTO, Broker, free_port, provision

CONFIRM_WITHIN_S = 2


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_twenty_gates_lose_nothing_where_the_broker_is_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, picture = tmp_path / "fleet", tmp_path / "fleet.svg"
    impatient = [f"broker.confirm_within_s={CONFIRM_WITHIN_S}"]  # what the killed broker forgot comes again after this time
    options = [word for option in (*province.OPTIONS, *impatient) for word in ("--set", option)]
    pattern = ["--province", province.PROVINCE, "--site", province.SITE, "--gate", province.PATTERN, "--broker-port", str(free_port())]
    assert main(["init", "--out", str(folder), *pattern, *options]) == 0
    capsys.readouterr()
    load = ["--gates", "20", "--rate", "60", "--seconds", "4", "--outage", "2,1"]
    assert main(["simulate", *load, "--cache", str(folder), "--plot", str(picture), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["held"], told["gates"], told["lost"], told["refused"], told["alarms"]) == (True, 20, 0, 0, 0)
    assert told["stored"] > 0
    assert told["outage"]["waited"] > 0
    assert picture.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_gates_played_against_a_broker_of_others_keep_to_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    broker = Broker(provision(tmp_path, "g-a", *province.OPTIONS, port=port), port)
    try:
        assert main(["simulate", "--gates", "3", "--rate", "20", "--seconds", "2", "--settings", str(tmp_path), "--json"]) == 0
    finally:
        broker.stop()  # and tells what was not as the contract says
    told = json.loads(capsys.readouterr().out)
    assert (told["held"], told["lost"], told["outage"], "broker" in told) == (True, 0, None, False)
    assert told["stored"] > 0


def test_a_broker_that_is_not_ours_is_not_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--gates", "20", "--settings", str(tmp_path), "--outage", "2,1"]) == 2
    assert "not ours to kill" in capsys.readouterr().err


def test_a_folder_without_an_authority_is_told(tmp_path: Path) -> None:
    assert main(["simulate", "--gates", "20", "--settings", str(tmp_path)]) == 4


@pytest.mark.parametrize("wrong", [["--gates", "0"], ["--gates", "many"], ["--gates", "5", "--rate", "0"], ["--gates", "5", "--outage", "3"]])
def test_a_wrong_number_is_told(wrong: list[str]) -> None:
    assert main(["simulate", *wrong]) == 2
