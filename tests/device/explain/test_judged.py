"""By whose word ``qrgate explain`` decides: files, or what is in force at a gate."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from device.cli import main
from device.domain import EventType
from tests.cards import NOT_AFTER, NOT_BEFORE, CardIssuer, SealAuthority, SealSigner, vaccination
from tests.device.gate.desk import Desk
from tests.device.gate.test_in_force import CARDS, RECORDS, RULE, Clinic
from tests.offices import Office

CARD = CARDS[1].decode()


def explained(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str | None]:
    """(exit code, reason, by whose word)"""
    capsys.readouterr()
    code = main(["explain", "--json", *(str(each) for each in arguments)])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document["codes"][0]["decision"]["reason"], document["by"]


def test_a_policy_that_is_not_yet_signed_decides_as_each_of_its_gates_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "market.toml"
    path.write_text(RECORDS + '[gates.g-b]\nmode = "verify"\naccepts = ["kd1", "cccd"]\n')
    assert explained(capsys, CARD, "--policy", path) == (0, "recorded", str(path))
    assert explained(capsys, CARD, "--policy", path, "--gate", "g-b") == (1, "not_proven", str(path))


def test_mistakes_of_a_policy_and_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('place = "moon"')
    (tmp_path / "no.toml").write_text("[")
    (tmp_path / "no.json").write_text("{")
    codes = {
        name: main(["explain", CARD, *words])
        for name, words in {
            "mistakes": ("--policy", str(tmp_path / "wrong.toml")),
            "no toml": ("--policy", str(tmp_path / "no.toml")),
            "no file": ("--policy", str(tmp_path / "gone.toml")),
            "no policy": ("--gate", "g-b"),
            "no json": ("--rules", str(tmp_path / "no.json")),
            "no rules": ("--rules", str(tmp_path / "gone.json")),
            "no keys": ("--cards", f"https://card.example.vn={tmp_path / 'no.json'}"),
            "no seal": ("--seals", f"UTO={tmp_path / 'no.json'}"),
        }.items()
    }
    assert codes == {"mistakes": 3, "no toml": 2, "no file": 2, "no policy": 2, "no json": 4, "no rules": 2, "no keys": 2, "no seal": 2}


def test_health_rules_alone_are_tried_on_a_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clinic = Clinic()
    (tmp_path / "signer.der").write_bytes(clinic.der)
    (tmp_path / "rules.json").write_text(json.dumps([RULE]))
    words = ("--trust", tmp_path / "signer.der", "--rules", tmp_path / "rules.json")
    results = [explained(capsys, clinic.vaccinated(dn=doses).decode(), *words)[:2] for doses in (2, 1)]
    assert results == [(0, "ok"), (1, "health_rule")]


def test_an_issuer_of_cards_is_named_by_its_published_key_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issuer = CardIssuer()
    numbers = issuer.key.public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(each.to_bytes(32, "big")).decode().rstrip("=") for each in (numbers.x, numbers.y))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": issuer.kid, "x": x, "y": y}]}))
    payload = issuer.issue().decode()
    assert explained(capsys, payload)[1] == "unknown_issuer"
    assert explained(capsys, payload, "--cards", f"{issuer.url}={tmp_path / 'jwks.json'}")[1] == "ok"


def test_with_a_gates_settings_it_is_decided_by_what_is_in_force_there(office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = office.gate(tmp_path / "gate")
    assert explained(capsys, CARD, "--settings", gate.folder) == (1, "not_proven", str(gate.folder))
    gate.start()
    gate.hand_over(office.policy(RECORDS))
    with closing(Desk(gate)) as desk:
        count = 1
        while not any(fact["what"] == "bundle_in_force" for fact in desk.data(EventType.AUDIT, count)):
            count = len(desk.data(EventType.AUDIT, count)) + 1
    assert "Traceback" not in gate.stop()
    assert explained(capsys, CARD, "--settings", gate.folder) == (0, "recorded", f"{gate.folder}, with the policy in force there")
    (gate.state / "bundles/policy.bundle").write_bytes(b"flipped bits")
    assert main(["explain", CARD, "--settings", str(gate.folder)]) == 1
    assert "is left out" in capsys.readouterr().err


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def authority_certificate(authority: SealAuthority) -> bytes:
    assert isinstance(authority.key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(authority.subject, authority.subject, authority.key.public_key(), 999, NOT_BEFORE, NOT_AFTER)
    return builder.sign(authority.key, SHA256()).public_bytes(Encoding.PEM)


def test_seals_are_proven_by_their_countrys_authority_also_through_a_bundle(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    utopia = SealAuthority()
    (tmp_path / "utopia.pem").write_bytes(authority_certificate(utopia))
    seal = SealSigner(utopia).issue(vaccination()).decode()
    words = ("--at", "2026-11-20", seal)
    assert explained(capsys, *words)[1] == "unknown_issuer"
    assert explained(capsys, "--seals", f"UTO={tmp_path / 'utopia.pem'}", *words)[1] == "ok"
    assert explained(capsys, "--seals", f"AUS={tmp_path / 'utopia.pem'}", *words)[1] == "wrong_use"
    gate = office.gate(tmp_path / "gate")
    (gate.state / "bundles").mkdir(parents=True)
    office.trust("--seals", f"UTO={tmp_path / 'utopia.pem'}").rename(gate.state / "bundles/trust.bundle")
    assert explained(capsys, "--settings", gate.folder, *words)[1] == "not_accepted"  # proven; this gate asks for passes
