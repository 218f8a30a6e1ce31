"""What the office's commands make, handed to the gate process itself: it takes it, decides by it, and keeps it over its death."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from device.domain import EventType, StoredEvent
from device.events import cloudevents
from device.events.sealing import Occasion
from device.gate.store import Store
from device.links import Link
from provisioning.authority.department import Sealed, write_row
from provisioning.cli import main
from tests.device.credentials.hc1.issuer import HealthIssuer, certificate
from tests.device.gate.desk import Desk
from tests.gates import show
from tests.offices import Office, OfficeGate

NOW = datetime.now(UTC)
CARDS = {number: f"99900000000{number}|99900000{number}|Nguyễn Thử Nghiệm|01011990|Nam|Số 1 đường Mẫu|01012022".encode() for number in (1, 2, 3)}

RECORDS = """\
place = "market"
mode = "record"
accepts = ["cccd", "kd1"]
[lists]
deny = "overlook"
[identity]
sealed = false
"""
LISTED = """\
place = "factory"
mode = "list"
accepts = ["cccd"]
[lists]
allow = "refuse"
[identity]
sealed = false
"""
HEALTH = """\
place = "lodging"
accepts = ["kd1", "hc1"]
[health]
country = "VN"
rules_file = "rules.json"
[identity]
sealed = false
"""
SEALED = """\
place = "lodging"
[identity]
sealed = true
recipient = "{recipient}"
retention_days = 14
"""
RULE = {
    "Identifier": "VR-VN-0001",
    "Type": "Acceptance",
    "Country": "VN",
    "Version": "1.0.0",
    "CertificateType": "Vaccination",
    "ValidFrom": "2021-06-01T00:00:00Z",
    "ValidTo": "2040-06-01T00:00:00Z",
    "Logic": {">=": [{"var": "payload.v.0.dn"}, {"var": "payload.v.0.sd"}]},
}


@dataclass(frozen=True)
class Clinic(HealthIssuer):
    """One whose certificate and vaccinations are good today."""

    @cached_property
    def der(self) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "999 clinic"), x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "VN")])
        assert isinstance(self.key, ec.EllipticCurvePrivateKey)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), 999)
        builder = builder.not_valid_before(NOW - timedelta(days=30)).not_valid_after(NOW + timedelta(days=300))
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)

    def vaccinated(self, **changes: Any) -> bytes:
        given = (NOW - timedelta(days=20)).date().isoformat()
        return self.issue(
            certificate("v", dt=given, **changes), iat=int((NOW - timedelta(days=10)).timestamp()), exp=int((NOW + timedelta(days=90)).timestamp())
        )


@dataclass
class Lane:
    """The gate process with somebody who shows codes, and an office that hears everything."""

    gate: OfficeGate
    reader: Link = field(init=False)
    desk: Desk = field(init=False)
    shown: int = 0

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.gate.start()
        self.reader, self.desk = self.gate.connect("reader"), Desk(self.gate)

    def die_and_come_back(self) -> None:
        assert self.gate.process is not None
        self.gate.process.kill()
        self.gate.process.communicate()
        self.close_links()
        known = len(self.desk.stored)
        self.open()
        self.desk.data(EventType.AUDIT, 1)
        assert len(self.desk.stored) >= known

    def close_links(self) -> None:
        self.reader.close()
        self.desk.close()

    def told(self, kind: EventType, **facts: Any) -> dict[str, Any]:
        """The first event of ``kind`` that says ``facts``, awaited."""
        count = 0
        while True:
            found = self.desk.data(kind, count)
            if hit := next((each for each in found if facts.items() <= each.items()), None):
                return hit
            count = len(found) + 1

    def give(self, path: Path, **facts: Any) -> None:
        """Hand ``path`` over and await that it is in force."""
        self.gate.hand_over(path)
        self.told(EventType.AUDIT, **facts)

    def decide(self, *payloads: bytes) -> list[tuple[bool, str]]:
        """Show each by itself; what was decided."""
        known = len([event for event in self.desk.stored if event.type is EventType.DECISION])
        for number, payload in enumerate(payloads, start=1):
            show(self.reader, self.gate.track(payload))
            self.desk.data(EventType.DECISION, known + number)
        return [(data["admit"], data["reason"]) for data in self.desk.data(EventType.DECISION, known + len(payloads))[known:]]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def lane(office: Office, tmp_path: Path) -> Iterator[Lane]:
    lane = Lane(office.gate(tmp_path / "gate"))
    yield lane
    lane.close_links()
    assert "Traceback" not in lane.gate.stop()


def bundle(kind: str) -> dict[str, str]:
    return {"what": "bundle_in_force", "bundle": kind}


def listed(kind: str, version: int = 1) -> dict[str, Any]:
    return {"what": "list_in_force", "list": kind, "version": version}


def test_somebody_on_the_deny_list_is_refused_and_an_officer_is_told_also_after_the_gate_died(office: Office, lane: Lane) -> None:
    assert lane.decide(CARDS[1]) == [(False, "not_proven")]
    lane.give(office.policy(RECORDS), **bundle("policy"))
    lane.give(office.list_of("deny", "cccd,999000000002"), **listed("deny"))
    assert lane.decide(CARDS[1], CARDS[2]) == [(True, "recorded"), (False, "denied")]
    lane.told(EventType.ALARM, what="denied_person")
    lane.die_and_come_back()
    assert lane.decide(CARDS[3], CARDS[2]) == [(True, "recorded"), (False, "denied")]


def test_by_the_allow_list_whoever_is_on_it_comes_in_and_nobody_before_it_is_there(office: Office, lane: Lane) -> None:
    lane.give(office.policy(LISTED), **bundle("policy"))
    assert lane.decide(CARDS[1]) == [(False, "list_stale")]
    lane.give(office.list_of("allow", "cccd,999000000001"), **listed("allow"))
    assert lane.decide(CARDS[1], CARDS[2]) == [(True, "recorded"), (False, "not_listed")]
    lane.give(office.list_of("allow", "cccd,999000000002", version=2), **listed("allow", 2))
    lane.die_and_come_back()
    assert lane.decide(CARDS[3], CARDS[2]) == [(False, "not_listed"), (True, "recorded")]


def test_a_revoked_pass_lets_nobody_in_any_more(office: Office, lane: Lane) -> None:
    good, lost = office.make_pass(), office.make_pass()
    assert lane.decide(good, lost) == [(True, "ok"), (True, "ok")]
    lane.give(office.list_of("revoked", f"pass,{lost.decode()}"), **listed("revoked"))
    again = office.make_pass()
    assert lane.decide(lost, again) == [(False, "revoked"), (True, "ok")]


def test_a_health_certificate_counts_once_its_signer_is_trusted_and_by_the_rules_of_the_policy(office: Office, lane: Lane) -> None:
    clinic, signers = Clinic(), office.folder / "signers"
    signers.mkdir()
    (signers / "clinic.der").write_bytes(clinic.der)
    (office.folder / "rules.json").write_text(json.dumps([RULE]))
    lane.give(office.policy(HEALTH), **bundle("policy"))
    full, half = clinic.vaccinated(), clinic.vaccinated(dn=1)
    assert lane.decide(full) == [(False, "unknown_issuer")]
    lane.give(office.trust("--health", signers), **bundle("trust"))
    assert lane.decide(full, half, office.make_pass()) == [(True, "ok"), (False, "health_rule"), (True, "ok")]
    assert lane.desk.data(EventType.DECISION, 4)[2]["rules"] == ["VR-VN-0001"]
    lane.die_and_come_back()
    somebody_else = clinic.vaccinated(ci="URN:UVCI:01:VN:999000000002#B")
    assert lane.decide(half, somebody_else) == [(False, "health_rule"), (True, "ok")]


def opened(rows: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    capsys.readouterr()
    code = main(["identity", "open", str(rows), "--key", str(key), "--json"])
    return code, json.loads(capsys.readouterr().out)["rows"]


def links(events: list[StoredEvent]) -> list[bool]:
    """Does each event name the hash of the very bytes before it?"""
    return [json.loads(after.body)["previoushash"] == cloudevents.body_hash(before.body).hex() for before, after in pairwise(events)]


def test_a_sealed_identity_opens_with_the_departments_key_alone_and_its_row_can_be_erased(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office.run("identity", "make", tmp_path / "department")
    office.run("identity", "make", tmp_path / "others")
    lane = Lane(office.gate(tmp_path / "gate"))
    recipient = (tmp_path / "department/identity.pub").read_text().strip()
    before, sealed_one = office.make_pass(), office.make_pass()
    lane.decide(before)
    lane.give(office.policy(SEALED.format(recipient=recipient)), **bundle("policy"))
    lane.decide(sealed_one, CARDS[1])
    unsealed, decision, refused = lane.desk.data(EventType.DECISION, 3)
    sequence = next(event.sequence for event in lane.desk.stored if json.loads(event.body)["data"] == decision)
    epoch, events = lane.desk.hello.epoch, list(lane.desk.stored)
    lane.close_links()
    assert "Traceback" not in lane.gate.stop()

    with closing(Store(lane.gate.state / "events.db", gate="g1", boot="later", reserve=0)) as store:
        sealed = store.identity(sequence)
        assert sealed is not None
        assert ("identity" in unsealed, decision["identity"], "identity" in refused) == (False, hashlib.sha256(sealed).hexdigest(), False)
        rows = tmp_path / "rows.jsonl"
        rows.write_text(write_row(Sealed(Occasion("g1", epoch, sequence), sealed)) + "\n")
        told = {"gate": "g1", "epoch": epoch, "sequence": sequence}
        assert opened(rows, tmp_path / "department/identity.key", capsys) == (0, [told | {"kind": "kd1", "payload": sealed_one.decode()}])
        code, (other,) = opened(rows, tmp_path / "others/identity.key", capsys)
        assert (code, set(other)) == (4, {*told, "refused"})
        with store.transaction(makes_room=True) as writing:
            assert writing.identities.erase(sequence, sequence) == 1
        kept = store.events_after(0, 100)
        assert (store.identity(sequence), list(kept[: len(events)])) == (None, events)
        assert all(links(list(kept)))


def test_what_is_forged_or_older_or_foreign_is_refused_with_an_alarm_and_changes_nothing(office: Office, lane: Lane, tmp_path: Path) -> None:
    old = office.policy(RECORDS)
    new = office.policy(RECORDS.replace('"record"', '"verify"').replace("[lists]\ndeny", "untrusted_clock = 'overlook'\n[lists]\ndeny"))
    foreign = Office(tmp_path / "elsewhere", province="p2")
    foreign.gate(tmp_path / "elsewhere/gate")
    of_others = foreign.policy(RECORDS)
    for_others = office.policy(RECORDS, "--gate", "g2")
    forged = tmp_path / "forged.bundle"
    forged.write_bytes(new.read_bytes()[:-1] + bytes([new.read_bytes()[-1] ^ 1]))
    lane.give(new, **bundle("policy"))
    for path, why in ((forged, "forged"), (old, "older"), (of_others, "forged"), (for_others, "not_for_us")):
        lane.gate.hand_over(path, name=f"{why}-{path.name}")
        lane.told(EventType.ALARM, what="bundle_refused", why=why)
    lane.gate.hand_over(foreign.list_of("deny", "cccd,999000000001"))
    lane.told(EventType.ALARM, what="list_refused", why="forged")
    assert lane.decide(CARDS[1]) == [(False, "not_proven")]
    lane.die_and_come_back()
    assert lane.decide(CARDS[2]) == [(False, "not_proven")]


def test_keys_of_days_come_as_a_bundle_and_the_number_of_a_person_stays_the_same(office: Office, lane: Lane) -> None:
    first = office.make_pass()
    lane.decide(first)
    lane.give(office.keys(), **bundle("keys"))
    lane.decide(office.make_pass())
    lane.die_and_come_back()
    assert lane.decide(first)[0][1] in {"ok", "just_shown"}
    decisions = lane.desk.data(EventType.DECISION, 3)
    assert decisions[0]["person"] == decisions[2]["person"]
    assert ("own_key" in decisions[2], list((lane.gate.state / "inbox").iterdir())) == (False, [])
