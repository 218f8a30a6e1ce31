from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.bundles.envelope import Audience, Kind
from device.errors import SettingsError, VerificationError
from provisioning.authority import bundles, keys, office
from provisioning.authority.bundles import Order
from provisioning.authority.office import Office

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOW_S = 1_795_608_000
CONTENT = {"mode": "verify"}


@pytest.fixture
def chief(tmp_path: Path) -> Office:
    return office.found(tmp_path / "authority", "p-999", seed=None, now=NOW)


def signed(
    chief: Office, path: Path, *, kind: Kind = Kind.POLICY, content: Any = None, order: Order | None = None, now: datetime = NOW
) -> dict[str, Any]:
    """As a person sees the bundle that was signed; its SHA-256 aside."""
    path.write_bytes(bundles.sign(chief, kind, CONTENT if content is None else content, order or Order(), now=now))
    told = bundles.described(bundles.look(path, chief.bundle_key().public_key()))
    assert len(told.pop("sha256")) == 64
    return told


def test_what_was_signed_is_shown(chief: Office, tmp_path: Path) -> None:
    order = Order(sites=("s-999",), gates=("g-a", "g-b"), until=NOW + timedelta(days=1))
    assert signed(chief, tmp_path / "a.bundle", order=order) == {
        "kind": "policy",
        "seq": NOW_S,
        "province": "p-999",
        "sites": ["s-999"],
        "gates": ["g-a", "g-b"],
        "issued": "2026-11-25T12:00:00+00:00",
        "expires": "2026-11-26T12:00:00+00:00",
        "content": CONTENT,
    }
    assert bundles.look(tmp_path / "a.bundle", chief.bundle_key().public_key()).audience == Audience("p-999", ("s-999",), ("g-a", "g-b"))


def test_numbers_rise_for_each_kind_whatever_the_clock_says(chief: Office, tmp_path: Path) -> None:
    moments = [NOW, NOW, NOW - timedelta(days=400), NOW + timedelta(seconds=60), NOW + timedelta(seconds=60)]
    assert [signed(chief, tmp_path / "a", now=now)["seq"] - NOW_S for now in moments] == [0, 1, 2, 60, 61]
    assert signed(chief, tmp_path / "a", kind=Kind.TRUST)["seq"] == NOW_S


def test_an_office_restored_from_an_old_copy_goes_forward(chief: Office, tmp_path: Path) -> None:
    signed(chief, tmp_path / "a")
    (chief.folder / "bundles.json").unlink()
    assert signed(chief, tmp_path / "a", now=NOW + timedelta(seconds=9))["seq"] == NOW_S + 9


@pytest.mark.parametrize("content", ["", "[]", '{"policy": "many"}'])
def test_damaged_numbers_are_told(chief: Office, content: str) -> None:
    (chief.folder / "bundles.json").write_text(content)
    with pytest.raises(VerificationError, match="is damaged"):
        bundles.sign(chief, Kind.POLICY, CONTENT, Order(), now=NOW)


def test_secrets_are_hidden_and_long_bytes_are_told_by_their_hash(chief: Office, tmp_path: Path) -> None:
    content = {
        "passes": [b"p" * 32],
        "rotating": {"R1": {"secret": b"s" * 32, "zones": ["main"]}},
        "health": [{"kid": b"k" * 8, "certificate": b"c" * 500}],
        "days": {"2026-11-25": b"d" * 32},
    }
    shown = signed(chief, tmp_path / "a", kind=Kind.TRUST, content=content)["content"]
    assert shown == {
        "passes": ["70" * 32],
        "rotating": {"R1": {"secret": "(hidden)", "zones": ["main"]}},
        "health": [{"kid": "6b" * 8, "certificate": "500 bytes, SHA-256 " + hashlib.sha256(b"c" * 500).hexdigest()}],
        "days": {"2026-11-25": "(hidden)"},
    }


def test_another_office_s_bundle_is_not_shown(chief: Office, tmp_path: Path) -> None:
    signed(chief, tmp_path / "a")
    with pytest.raises(VerificationError, match="forged"):
        bundles.look(tmp_path / "a", keys.make_signing_key().public_key())
    with pytest.raises(VerificationError, match="cannot be read"):
        bundles.look(tmp_path / "missing", chief.bundle_key().public_key())


def test_a_document_s_dates_and_times_become_texts(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(
        'begins = 2026-12-01\nat = 05:30:00\n[[hours]]\nsince = 2026-12-01T05:30:00+07:00\nshare = 0.5\nname = "chợ"\n'
    )
    assert bundles.read_document(tmp_path / "policy.toml") == {
        "begins": "2026-12-01",
        "at": "05:30:00",
        "hours": [{"since": "2026-12-01T05:30:00+07:00", "share": 0.5, "name": "chợ"}],
    }


def test_what_is_no_document_is_told(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("mode = ")
    with pytest.raises(SettingsError, match="is no TOML"):
        bundles.read_document(tmp_path / "policy.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        bundles.read_document(tmp_path / "missing.toml")
