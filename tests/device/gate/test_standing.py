from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device import config
from device.admission.lists import ListKind
from device.admission.policy import Mode
from device.bundles.envelope import Kind
from device.errors import SettingsError, StoreError, VerificationError
from device.gate.province import open_province
from device.gate.standing import Standing
from device.settings import Settings
from tests.device.gate.test_in_force import RECORDS
from tests.device.strangers import needs_root, open_folder, somebody_else
from tests.offices import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def settings(office: Office, tmp_path: Path) -> Settings:
    return config.load(office.gate(tmp_path / "gate").folder)


def take(settings: Settings, *bundles: Path) -> None:
    """As the gate does it."""
    settings.paths.state.mkdir(exist_ok=True)
    province = open_province(settings, settings.paths.state, renew=lambda _keys: None, tell=lambda _kind, _facts: None)
    for bundle in bundles:
        assert province.take(bundle.read_bytes(), passed_s=0)


def test_at_a_gate_that_took_nothing_nothing_is_in_force(settings: Settings) -> None:
    standing = Standing(settings)
    assert (standing.bundle(Kind.POLICY), standing.policy(), standing.trust(), standing.lists()) == (None, None, None, {})


def test_what_the_gate_has_in_force_is_read_as_the_gate_reads_it(office: Office, settings: Settings) -> None:
    take(settings, office.policy(RECORDS), office.trust())
    standing = Standing(settings)
    policy, trust = standing.policy(), standing.trust()
    assert policy is not None
    assert trust is not None
    assert (policy.mode, policy.gate, list(trust.passes)) == (Mode.RECORD, "g1", [bytes.fromhex(key) for key in settings.issuers])


def test_what_is_damaged_or_of_another_office_is_told(office: Office, settings: Settings) -> None:
    take(settings, office.policy(RECORDS))
    strange = replace(settings, bundles=replace(settings.bundles, public_key="00" * 31 + "01"))
    with pytest.raises(VerificationError, match=r"policy\.bundle is damaged: forged"):
        Standing(strange).policy()


def test_a_policy_that_this_gate_could_not_go_by_is_told(office: Office, settings: Settings) -> None:
    take(settings, office.policy(RECORDS))
    both = replace(settings, policy=replace(settings.policy, mode=Mode.VERIFY))
    with pytest.raises(VerificationError, match=r"site\.toml says policy\.mode too"):
        Standing(both).policy()
    with pytest.raises(SettingsError):
        open_province(both, both.paths.state, renew=lambda _keys: None, tell=lambda _kind, _facts: None)


def test_of_each_kind_of_list_the_newest_that_is_whole_counts(office: Office, settings: Settings) -> None:
    shelf = settings.paths.state / "lists"
    shelf.mkdir(parents=True)
    for version in (1, 10, 9):
        office.list_of("deny", "cccd,999000000001", version=version).rename(shelf / f"deny-{version}.list")
    (shelf / "deny-11.list").write_bytes(b"cut short")
    (shelf / ".taking-00").write_bytes(b"")
    (shelf / "deny.floor").write_bytes(b"10\n")
    assert {kind: manifest.version for kind, manifest in Standing(settings).lists().items()} == {ListKind.DENY: 10}


def test_the_list_key_is_found_where_it_waits_and_where_it_is_in_use(settings: Settings) -> None:
    waits, used = settings.folder / "list.key", settings.paths.state / "list.key"
    assert Standing(settings).has_list_key
    settings.paths.state.mkdir(exist_ok=True)
    waits.rename(used)
    assert Standing(settings).has_list_key
    used.unlink()
    assert not Standing(settings).has_list_key


@needs_root
def test_who_may_not_look_is_told_so(settings: Settings) -> None:
    with open_folder() as folder:
        state = folder / "state"
        (state / "bundles").mkdir(parents=True)
        state.chmod(0o700)
        here = Standing(replace(settings, paths=replace(settings.paths, state=state)))
        with somebody_else():
            for look in (here.policy, here.trust, here.lists, lambda: here.has_list_key):
                with pytest.raises(StoreError, match="cannot be read"):
                    look()
