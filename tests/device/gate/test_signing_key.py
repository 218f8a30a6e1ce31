from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import StoreError
from device.gate.signing_key import NAME, SigningKey


def test_a_key_is_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    made, kept = SigningKey(tmp_path), SigningKey(tmp_path)
    assert made.public == kept.public == made.key.public_key().public_bytes_raw()
    kept.key.public_key().verify(made.key.sign(b"head"), b"head")


def test_no_two_gates_have_one_key(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    assert len({SigningKey(folder).public for folder in folders}) == 2


def test_only_the_gate_may_read_it(tmp_path: Path) -> None:
    SigningKey(tmp_path)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33])
def test_a_damaged_key_is_told_and_not_replaced_in_silence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StoreError) as caught:
        SigningKey(tmp_path)
    assert caught.value.what == f"{tmp_path}/{NAME} holds {len(content)} bytes instead of 32"
    assert (tmp_path / NAME).read_bytes() == content


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StoreError) as caught:
        SigningKey(tmp_path)
    assert caught.value.what == f"{tmp_path}/{NAME} cannot be read: Is a directory"
