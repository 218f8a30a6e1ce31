from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioning.authority import office, tls_identities
from provisioning.cli import main


def list_command(out: Path, *more: str) -> list[str]:
    return ["certificates", "--out", str(out), *more]


def age(out: Path, who: str, days: int) -> None:
    """As if it had been made so long ago."""
    tls_identities.renew(office.open_office(out / "authority"), out, (who,), now=datetime.now(UTC) - timedelta(days=days))


def test_a_new_province_is_in_order(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list_command(out)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["authority", "broker", "recorder", "watcher", "gates/g-a"]
    assert all(line.endswith(" 394 days") for line in lines[1:])


def test_what_ends_soon_or_is_over_is_exit_code_1_with_the_command_that_renews_it(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    age(out, "recorder", 370)
    age(out, "gates/g-a", 400)
    assert main(list_command(out)) == 1
    told = capsys.readouterr().out
    assert ("24 days, renew it" in told, "-6 days, IS OVER" in told) == (True, True)
    command = f"qrgate-provision certificates --out {out} --renew recorder --renew gates/g-a"
    assert told.splitlines()[-2:] == ["next:", f"  {command}"]
    assert main(command.split()[1:]) == 0
    assert main(list_command(out)) == 0


def test_a_program_is_told_the_same(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    age(out, "watcher", 400)
    (out / "broker" / "server.crt").write_text("torn")
    (out / "recorder").rename(out / "left")
    assert main(list_command(out, "--json")) == 1
    told = json.loads(capsys.readouterr().out)
    rows = {row["who"]: row for row in told["certificates"]}
    assert (told["ok"], {who: row["state"] for who, row in rows.items()}) == (
        False,
        {"authority": "good", "broker": "damaged", "recorder": "absent", "watcher": "over", "gates/g-a": "good"},
    )
    broker = out / "broker" / "server.crt"
    assert rows["broker"] == {
        "who": "broker",
        "file": str(broker),
        "state": "damaged",
        "ends": None,
        "days_left": None,
        "fault": f"{broker} is no certificate, or a damaged one",
    }
    assert rows["watcher"]["days_left"] == -6
    assert main(list_command(out)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == f"  qrgate-provision broker --out {out}"


def test_a_renewed_one_is_told_with_what_comes_next(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list_command(out, "--renew", "recorder", "--renew", "gates/g-a", "--renew", "watcher")) == 0
    told = capsys.readouterr().out
    assert "next: nothing. A recorder that runs here takes it by itself" in told
    assert f"next, the gate: copy {out}/gates/g-a/tls to the Pi" in told
    assert f"next: hand {out}/watcher over" in told
    assert main(list_command(out, "--renew", "recorder", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"renewed": {"recorder": str(out / "recorder" / "tls" / "recorder.crt")}}


def test_a_recorder_on_another_machine_is_brought_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--province", "p-999", "--site", "s-999", "--gate", "g-a", "--broker-host", "mqtt.example.org", "--out", str(tmp_path)]
    assert main(["init", *words]) == 0
    assert main(list_command(tmp_path, "--renew", "recorder")) == 0
    assert "next, the recorder: copy its tls/ to its machine, over the old one" in capsys.readouterr().out


def test_somebody_who_is_not_there_is_exit_code_2_and_a_folder_that_is_no_office_4(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list_command(out, "--renew", "gates/g-x")) == 2
    assert f"there is no 'gates/g-x' in {out}\n  → `qrgate-provision certificates --out DIR` lists them" in capsys.readouterr().err
    assert main(list_command(out, "--renew", "broker")) == 2
    assert "`qrgate-provision broker` makes both anew" in capsys.readouterr().err
    assert main(list_command(out / "gates")) == 4
