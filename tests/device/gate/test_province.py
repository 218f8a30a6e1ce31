from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import config, settings
from device.admission.policy import Mode, Policy
from device.bundles.delegations import Delegation, Role, delegations_content
from device.bundles.envelope import Audience, Kind, sign_bundle
from device.bundles.keys import keys_content
from device.domain import Credential, CredentialKind, Direction, EventType, Proof
from device.errors import SettingsError, StoreError
from device.events.pseudonyms import DayKey, HeldKeys
from device.events.sealing import Occasion, unseal_identity
from device.gate.province import EXPIRY_NS, Province, open_province, sealing
from device.settings import Settings
from tests.gates import Gate, Issuer

KEY = Ed25519PrivateKey.from_private_bytes(b"b" * 32)
NOW_S = 1_795_000_000
RECORD: dict[str, Any] = {"place": "market", "mode": "record", "identity": {"sealed": False}}
LIST: dict[str, Any] = {"place": "market", "mode": "list", "identity": {"sealed": False}}
SITE_POLICY = Policy("g1", "main", Direction.ENTRY, site="s1", mode=Mode.VERIFY)
HELD = HeldKeys("s1", DayKey(date(2026, 11, 20), b"\x05" * 32), ())


def bundle(content: Mapping[str, Any], seq: int = 1, kind: Kind = Kind.POLICY, expires_s: int | None = None, **audience: Any) -> bytes:
    return sign_bundle(KEY, kind, Audience("p1", **audience), content, seq=seq, issued_s=NOW_S, expires_s=expires_s)


@dataclass
class Desk:
    """A province as one gate has it, and all that it told."""

    settings: Settings
    state: Path
    renew: Callable[[HeldKeys], None] | None = None
    renewed: list[HeldKeys] = field(default_factory=list)
    told: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)
    changes: int = 0
    province: Province = field(init=False)

    def __post_init__(self) -> None:
        self.province = open_province(
            self.settings, self.state, renew=self.renew or self.renewed.append, tell=lambda kind, facts: self.told.append((kind, facts))
        )
        self.province.changed = self._changed

    def _changed(self) -> None:
        self.changes += 1

    def take(self, data: bytes) -> bool:
        return self.province.take(data, passed_s=NOW_S)

    @property
    def mode(self) -> Mode:
        return self.province.policy.mode

    def again(self, **changes: Any) -> Desk:
        return Desk(replace(self.settings, **changes), self.state)


@pytest.fixture
def gate_settings(tmp_path: Path) -> Settings:
    gate = Gate(tmp_path / "gate")
    for name in ("ca.crt", "gate.crt", "gate.key"):
        (gate.folder / name).write_bytes(b"")
    return replace(config.load(gate.folder), bundles=settings.Bundles(public_key=KEY.public_key().public_bytes_raw().hex()))


@pytest.fixture
def desk(gate_settings: Settings, tmp_path: Path) -> Desk:
    state = tmp_path / "state"
    state.mkdir()
    return Desk(gate_settings, state)


def in_force(version: int, kind: str = "policy") -> tuple[EventType, dict[str, Any]]:
    return EventType.AUDIT, {"what": "bundle_in_force", "bundle": kind, "version": version}


def refused(why: str) -> tuple[EventType, dict[str, Any]]:
    return EventType.ALARM, {"what": "bundle_refused", "why": why}


# --- policy ----------------------------------------------------------------------------------------------------


def test_before_any_bundle_a_gate_goes_by_its_site_settings(desk: Desk) -> None:
    assert (desk.province.policy, list(desk.province.trust.passes), desk.told) == (SITE_POLICY, [Issuer().key_id], [])


def test_a_policy_is_in_force_at_once_and_after_a_restart_and_told_once(desk: Desk) -> None:
    assert desk.take(bundle(RECORD))
    assert (desk.mode, desk.changes, desk.told) == (Mode.RECORD, 1, [in_force(1)])
    assert desk.take(bundle(RECORD))  # the same once more is no mistake
    assert desk.told == [in_force(1)]
    again = desk.again()
    assert (again.mode, again.told) == (Mode.RECORD, [])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not_a_bundle"),
        (bundle(LIST)[:-1], "forged"),
        (sign_bundle(Ed25519PrivateKey.from_private_bytes(b"x" * 32), Kind.POLICY, Audience("p1"), LIST, seq=9, issued_s=NOW_S), "forged"),
        (bundle(LIST, seq=9, sites=("s2",)), "not_for_us"),
        (bundle(LIST, seq=9, gates=("g2",)), "not_for_us"),
        (bundle(LIST, seq=9, expires_s=NOW_S - 1), "expired"),
        (bundle(LIST, seq=4), "older"),
        (bundle(LIST, seq=5), "contradicts"),
        (bundle({"place": "moon"}, seq=9), "content"),
        (bundle(LIST | {"identity": {"sealed": True, "recipient": "00" * 32, "retention_days": 3}}, seq=9), "content"),
        (bundle(LIST | {"health": {"document": "[" * 9000}}, seq=9), "content"),
    ],
)
def test_what_is_refused_is_an_alarm_and_changes_nothing(desk: Desk, data: bytes, why: str) -> None:
    desk.take(bundle(RECORD, seq=5))
    assert not desk.take(data)
    assert (desk.mode, desk.changes, desk.told) == (Mode.RECORD, 1, [in_force(5), refused(why)])
    assert desk.again().mode is Mode.RECORD


def test_a_gate_without_the_offices_key_takes_nothing(desk: Desk) -> None:
    deaf = desk.again(bundles=settings.Bundles(public_key=""))
    assert not deaf.take(bundle(RECORD))
    assert (deaf.mode, deaf.told) == (Mode.VERIFY, [refused("no_key")])


def test_a_key_stands_in_one_place_only(desk: Desk) -> None:
    says_mode = replace(desk.settings.policy, mode=Mode.VERIFY)
    both = desk.again(policy=says_mode)
    assert not both.take(bundle(RECORD))
    assert both.told == [refused("content")]
    desk.take(bundle(RECORD, seq=2))
    with pytest.raises(SettingsError, match=r"policy\.mode"):
        desk.again(policy=says_mode)


def test_a_damaged_policy_gives_way_to_the_one_before_and_is_told(desk: Desk) -> None:
    desk.take(bundle(LIST, seq=1))
    desk.take(bundle(RECORD, seq=2))
    (desk.state / "bundles/policy.bundle").write_bytes(b"flipped bits")
    again = desk.again()
    assert (again.mode, again.told) == (Mode.LIST, [(EventType.ALARM, {"what": "bundle_damaged", "file": "policy.bundle"})])


def test_a_policy_that_is_gone_is_told_and_the_same_may_come_once_more(desk: Desk) -> None:
    desk.take(bundle(RECORD))
    (desk.state / "bundles/policy.bundle").unlink()
    again = desk.again()
    assert (again.mode, again.told) == (Mode.VERIFY, [(EventType.ALARM, {"what": "bundle_damaged", "file": "policy.bundle"})])
    assert again.take(bundle(RECORD))
    assert again.mode is Mode.RECORD


# --- trust and keys --------------------------------------------------------------------------------------------


def proof(desk: Desk, issuer: Issuer) -> Proof:
    shown = desk.province.read(issuer.issue(1))
    assert isinstance(shown, Credential)
    return shown.proof


def test_a_trust_bundle_takes_the_place_of_the_issuers_in_the_settings(desk: Desk) -> None:
    other = Issuer(7)
    assert (proof(desk, Issuer()), proof(desk, other)) == (Proof.PROVEN, Proof.UNKNOWN_ISSUER)
    assert desk.take(bundle({"passes": [other.public]}, kind=Kind.TRUST))
    assert (proof(desk, Issuer()), proof(desk, other)) == (Proof.UNKNOWN_ISSUER, Proof.PROVEN)
    assert proof(desk.again(), other) is Proof.PROVEN


def test_keys_of_days_are_handed_on_and_not_kept(desk: Desk) -> None:
    data = bundle(keys_content(HELD), kind=Kind.KEYS, sites=("s1",))
    assert desk.take(data)
    assert (desk.renewed, desk.told) == ([HELD], [in_force(1, "keys")])
    assert [path.name for path in (desk.state / "bundles").iterdir()] == ["floors.json"]


def test_keys_that_cannot_be_kept_now_may_come_once_more(desk: Desk) -> None:
    full = [True]

    def renew(held: HeldKeys) -> None:
        if full.pop():
            raise StoreError("the disk is full")
        desk.renewed.append(held)

    data = bundle(keys_content(HELD), kind=Kind.KEYS, sites=("s1",))
    stumbling = Desk(desk.settings, desk.state, renew)
    with pytest.raises(StoreError):
        stumbling.take(data)
    full.append(False)
    assert stumbling.take(data)
    assert desk.renewed == [HELD]


def test_an_issuer_whose_id_is_not_its_keys_is_a_mistake_in_the_settings(desk: Desk) -> None:
    with pytest.raises(SettingsError, match="is not the id of that key"):
        desk.again(issuers={"00" * 8: Issuer().public.hex()})


# --- expiry ----------------------------------------------------------------------------------------------------


def test_a_bundle_whose_time_is_over_stays_in_force_and_that_is_told_once(desk: Desk) -> None:
    desk.take(bundle(RECORD, expires_s=NOW_S + 10))
    told = len(desk.told)
    for ticks_ns, passed_s in ((0, NOW_S + 10), (1, NOW_S + 11), (EXPIRY_NS, NOW_S + 11), (2 * EXPIRY_NS, NOW_S + 999)):
        desk.province.tell_expiry(ticks_ns, passed_s=lambda passed_s=passed_s: passed_s)  # type: ignore[misc]
    assert desk.told[told:] == [(EventType.ALARM, {"what": "bundle_expired", "bundle": "policy", "version": 1})]
    assert (desk.mode, desk.again().mode) == (Mode.RECORD, Mode.RECORD)
    desk.take(bundle(LIST, seq=2, expires_s=NOW_S + 20))
    desk.province.tell_expiry(3 * EXPIRY_NS, passed_s=lambda: NOW_S + 30)
    assert desk.told[-1] == (EventType.ALARM, {"what": "bundle_expired", "bundle": "policy", "version": 2})


def test_whether_a_bundle_has_expired_is_asked_once_an_hour(desk: Desk) -> None:
    asked = 0

    def passed_s() -> int:
        nonlocal asked
        asked += 1
        return NOW_S

    for ticks_ns, so_far in ((5, 1), (6, 1), (EXPIRY_NS + 4, 1), (EXPIRY_NS + 5, 2), (EXPIRY_NS + 6, 2)):
        desk.province.tell_expiry(ticks_ns, passed_s=passed_s)
        assert asked == so_far


# --- sealing ---------------------------------------------------------------------------------------------------


def test_who_passed_is_sealed_to_the_department_for_one_event_alone(desk: Desk) -> None:
    department = X25519PrivateKey.from_private_bytes(b"d" * 32)
    recipient = department.public_key().public_bytes_raw().hex()
    assert sealing(desk.province.policy, "g1", "epoch") is None
    desk.take(bundle(RECORD | {"identity": {"sealed": True, "recipient": recipient, "retention_days": 3}}))
    seal = sealing(desk.province.policy, "g1", "epoch")
    assert seal is not None
    sealed = seal(Credential(CredentialKind.CCCD, Proof.CLAIMED, b"cccd:999000000001"), b"what was shown", 7)
    opened = unseal_identity(sealed, department, Occasion("g1", "epoch", 7))
    assert (opened.kind, opened.payload) == (CredentialKind.CCCD, b"what was shown")


# --- delegations -----------------------------------------------------------------------------------------------

HOLDER = Delegation(b"h" * 32, frozenset({Role.OPERATOR}))
NEXT = Delegation(b"n" * 32, frozenset({Role.TECHNICIAN}), gates=("g1",))


def delegated(*holders: Delegation, seq: int = 1, expires_s: int | None = None) -> bytes:
    return bundle(delegations_content(holders), seq, Kind.DELEGATIONS, expires_s)


def test_nobody_may_order_anything_before_the_office_says_so(desk: Desk) -> None:
    assert (desk.province.delegated(NOW_S), desk.again(bundles=settings.Bundles()).province.delegated(NOW_S)) == ((), ())


def test_whose_orders_count_is_what_the_last_bundle_says_also_after_a_restart(desk: Desk) -> None:
    assert desk.take(delegated(HOLDER, NEXT))
    assert desk.province.delegated(NOW_S) == (HOLDER, NEXT)
    assert desk.take(delegated(NEXT, seq=2))
    assert (desk.province.delegated(NOW_S), desk.again().province.delegated(NOW_S)) == ((NEXT,), (NEXT,))
    assert not desk.take(delegated(HOLDER, seq=1))  # a key that was taken out does not come back with an old bundle
    assert desk.province.delegated(NOW_S) == (NEXT,)
    assert (desk.told, desk.province.versions()) == ([in_force(1, "delegations"), in_force(2, "delegations"), refused("older")], {"delegations": 2})


def test_no_order_counts_when_the_time_of_the_delegations_is_over_and_that_is_told_once(desk: Desk) -> None:
    desk.take(delegated(HOLDER, expires_s=NOW_S))
    assert (desk.province.delegated(NOW_S), desk.province.delegated(NOW_S + 1)) == ((HOLDER,), ())
    for turn in (0, EXPIRY_NS):
        desk.province.tell_expiry(turn, passed_s=lambda: NOW_S + 1)
    assert desk.told[1:] == [(EventType.ALARM, {"what": "bundle_expired", "bundle": "delegations", "version": 1})]
