from __future__ import annotations

import stat
from pathlib import Path

import pytest

from device.errors import UsageError, VerificationError
from provisioning.authority import keys


def test_a_signing_key_is_read_back_as_it_was_and_is_its_owners_only(tmp_path: Path) -> None:
    key = keys.make_signing_key()
    keys.write_key(tmp_path / "key", key)
    assert keys.raw_public(keys.read_signing_key(tmp_path / "key")) == keys.raw_public(key)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_tls_key_is_read_back_as_it_was(tmp_path: Path) -> None:
    key = keys.make_tls_key()
    keys.write_key(tmp_path / "key", key)
    assert keys.read_tls_key(tmp_path / "key").public_key() == key.public_key()


def test_one_seed_gives_one_key() -> None:
    assert keys.raw_public(keys.signing_key_from_seed(b"s" * 32)) == keys.raw_public(keys.signing_key_from_seed(b"s" * 32))


def test_a_short_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="a seed has 32 bytes, this one 5"):
        keys.signing_key_from_seed(b"short")


def test_keys_of_the_other_kind_are_refused(tmp_path: Path) -> None:
    keys.write_key(tmp_path / "signing", keys.make_signing_key())
    keys.write_key(tmp_path / "tls", keys.make_tls_key())
    with pytest.raises(VerificationError, match="signing is a key of another kind"):
        keys.read_tls_key(tmp_path / "signing")
    with pytest.raises(VerificationError, match="tls is a key of another kind"):
        keys.read_signing_key(tmp_path / "tls")


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_is_told_without_repeating_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(VerificationError) as caught:
        keys.read_signing_key(tmp_path / "key")
    assert str(caught.value) == f"{tmp_path}/key is no key, or a damaged one\n  → restore it from the province office's copy"


def test_a_missing_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="there is no key"):
        keys.read_signing_key(tmp_path / "key")
