from __future__ import annotations

import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from device.errors import QrgateError, UsageError, VerificationError
from provisioning.authority import keys, office

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_founded_twice_it_is_the_same_office(tmp_path: Path) -> None:
    first, second = (office.found(tmp_path, "p-999", seed=None, now=NOW) for _ in range(2))
    assert first.root.certificate == second.root.certificate
    assert keys.raw_public(first.issuer) == keys.raw_public(second.issuer)
    assert keys.raw_public(first.bundle_key()) == keys.raw_public(second.bundle_key()) != keys.raw_public(first.issuer)


def test_a_founding_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    before = office.found(tmp_path, "p-999", seed=None, now=NOW)
    (tmp_path / "ca.crt").unlink()
    (tmp_path / "pass-issuer.key").unlink()
    (tmp_path / "bundle.key").unlink()
    after = office.found(tmp_path, "p-999", seed=None, now=NOW)
    assert after.root.key.public_key() == before.root.key.public_key()


def test_its_keys_are_its_owners_only(tmp_path: Path) -> None:
    chief = office.found(tmp_path / "authority", "p-999", seed=None, now=NOW)
    chief.day_keys("s-999", date(2026, 11, 1))
    secrets = ["", "ca.key", "pass-issuer.key", "bundle.key", "sites", "sites/s-999.master.json"]
    assert [stat.S_IMODE((chief.folder / name).stat().st_mode) for name in secrets] == [0o700, 0o600, 0o600, 0o600, 0o700, 0o600]


def test_another_provinces_folder_is_refused(tmp_path: Path) -> None:
    office.found(tmp_path, "p-999", seed=None, now=NOW)
    with pytest.raises(UsageError, match="belongs to province 'p-999', not 'p-998'"):
        office.found(tmp_path, "p-998", seed=None, now=NOW)


def test_a_seed_gives_the_pass_key_and_contradicts_another(tmp_path: Path) -> None:
    chief = office.found(tmp_path, "p-999", seed=b"s" * 32, now=NOW)
    assert keys.raw_public(chief.issuer) == keys.raw_public(keys.signing_key_from_seed(b"s" * 32))
    with pytest.raises(UsageError, match="has a pass key already"):
        office.found(tmp_path, "p-999", seed=b"t" * 32, now=NOW)


def test_gates_of_a_site_share_its_keys_and_sites_do_not(tmp_path: Path) -> None:
    chief = office.found(tmp_path, "p-999", seed=None, now=NOW)
    day = date(2026, 11, 1)
    assert chief.day_keys("s-999", day) == chief.day_keys("s-999", day)
    assert chief.day_keys("s-999", day).in_use != chief.day_keys("s-998", day).in_use


def test_a_key_that_does_not_fit_its_certificate_is_told(tmp_path: Path) -> None:
    office.found(tmp_path, "p-999", seed=None, now=NOW)
    keys.write_key(tmp_path / "ca.key", keys.make_tls_key())
    with pytest.raises(VerificationError, match="do not belong together"):
        office.open_office(tmp_path)


def test_a_certificate_without_its_key_is_never_replaced(tmp_path: Path) -> None:
    office.found(tmp_path, "p-999", seed=None, now=NOW)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(QrgateError, match=r"has a ca\.crt and no ca\.key"):
        office.found(tmp_path, "p-999", seed=None, now=NOW)
