from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning import cli
from provisioning.operations.alarms import ADVICE, What
from tests.provisioning.live import SITE, provision
from tests.provisioning.operations.played import Card, key, recorder_of_a_known_gate

MOMENT = "2026-11-01T00:00:00.000+00:00"


def test_the_command_tells_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = recorder_of_a_known_gate(tmp_path)
    assert cli.main(["gates", "--settings", str(settings)]) == 0
    assert capsys.readouterr().out == (
        f"g-a  site {SITE}, key {Card().public.hex()[:16]}…, 2 boots, 1 void, 1 conflict\n"
        f"  epoch e1: last sequence 4, last stored {MOMENT}\n"
        "    2 missing: 2 to 3\n"
        f"  ALARM other_bytes since {MOMENT}: is there a second device with this card?\n"
        f"  ALARM other_key since {MOMENT}: was it set up anew? then accept it, else find the copy\n"
        f"  ALARM undelivered since {MOMENT}: {ADVICE[What.UNDELIVERED]}\n"
        f"  it names another key, {Card(key=key(2)).public.hex()[:16]}…, which is not believed\n"
    )
    assert cli.main(["gates", "--settings", str(settings), "--json", "--accept", "g-a"]) == 0
    assert json.loads(capsys.readouterr().out) == {"accepted": "g-a", "new_key": True}
    assert cli.main(["gates", "--settings", str(settings), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["gates"]
    assert (told["gate"], told["alarms"], told["epochs"][0]["gaps"]) == ("g-a", [], [[2, 3]])


def test_before_the_recorder_has_run_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["gates", "--settings", str(provision(tmp_path).recorder / "recorder.toml")]) == 7
    assert "has the recorder run here?" in capsys.readouterr().err
