from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.cli import main

POLICY = """\
place = "market"
first_day = 2026-12-01
accepts = ["kd1", "hc1"]
[health]
country = "VN"
rules_file = "rules/vn.json"
value_sets_folder = "sets"
[identity]
sealed = false
"""
RULE = {
    "Identifier": "VR-VN-0001",
    "Type": "Acceptance",
    "Country": "VN",
    "Version": "1.0.0",
    "CertificateType": "Vaccination",
    "ValidFrom": "2021-06-01T00:00:00Z",
    "ValidTo": "2030-06-01T00:00:00Z",
    "Logic": {"in": [{"var": "payload.v.0.mp"}, {"var": "external.valueSets.vaccines"}]},
}

DOCUMENT = json.dumps({"country": "VN", "rules": [RULE], "value_sets": {"vaccines": ["EU/1/20/1528"]}}, sort_keys=True, separators=(",", ":"))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "vn.json").write_text(json.dumps([RULE | {"Description": [{"lang": "en", "desc": "a known vaccine"}]}]))
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "vaccines.json").write_text(json.dumps({"valueSetId": "vaccines", "valueSetValues": {"EU/1/20/1528": {"display": "x"}}}))
    return path


def test_a_policy_is_checked_signed_and_shown(out: Path, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(policy)]) == 0
    assert main(["policy", "sign", str(policy), "--authority", str(out / "authority"), "--site", "s-999", "--until", "2027-12-31"]) == 0
    capsys.readouterr()
    assert main(["bundle", "show", str(policy.with_suffix(".bundle")), "--authority", str(out / "authority"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: shown[name] for name in ("kind", "province", "sites", "gates", "expires", "content")} == {
        "kind": "policy",
        "province": "p-999",
        "sites": ["s-999"],
        "gates": [],
        "expires": "2027-12-31T16:59:59+00:00",
        "content": {
            "place": "market",
            "first_day": "2026-12-01",
            "accepts": ["kd1", "hc1"],
            "health": {"document": DOCUMENT},
            "identity": {"sealed": False},
        },
    }


def test_a_policy_with_mistakes_is_exit_code_1_and_not_signed(out: Path, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text('place = "moon"\n')
    assert main(["policy", "sign", str(policy), "--authority", str(out / "authority")]) == 1
    told, mistakes = capsys.readouterr()
    assert (told, [line.split(": ")[1] for line in mistakes.splitlines()]) == ("mistakes: 2\n", ["place", "identity"])
    assert not policy.with_suffix(".bundle").exists()


def test_who_signs_must_be_told(policy: Path) -> None:
    assert main(["policy", "sign", str(policy)]) == 2


def test_a_name_that_is_no_id_is_exit_code_4(out: Path, policy: Path) -> None:
    assert main(["policy", "sign", str(policy), "--authority", str(out / "authority"), "--gate", "G+1"]) == 4
    assert not policy.with_suffix(".bundle").exists()


def test_what_is_allowed_and_hardly_meant_is_a_warning(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text('place = "market"\nmode = "list"\n[identity]\nsealed = false\n[gates.g-b]\ncapacity = 3\nparty_max = 5\n')
    assert main(["policy", "check", str(policy), "--json"]) == 0
    told, warnings = capsys.readouterr()
    doubts = json.loads(told)["doubts"]
    assert [doubt.partition(":")[0] for doubt in doubts] == [
        "mode = list without lists.allow",
        "gates.g-b",
        "gates.g-b",
        "gates.g-b",
    ]
    assert warnings.splitlines() == [f"qrgate-provision: warning: {policy}: {doubt}" for doubt in doubts]


@pytest.mark.parametrize("missing", ["rules/vn.json", "sets/vaccines.json"])
def test_a_file_of_rules_that_is_missing_or_no_json_is_told(policy: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    (policy.parent / missing).write_text("{")
    assert main(["policy", "check", str(policy)]) == 4
    assert f"{missing} is no JSON" in capsys.readouterr().err
    (policy.parent / "rules" / "vn.json").unlink()
    assert main(["policy", "check", str(policy)]) == 3


def test_a_key_to_which_nothing_can_be_sealed_is_a_mistake(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy.write_text('place = "market"\n[identity]\nsealed = true\nretention_days = 3\nrecipient = "' + "0" * 64 + '"\n')
    assert main(["policy", "check", str(policy)]) == 1
    assert "this is no key to seal with" in capsys.readouterr().err
