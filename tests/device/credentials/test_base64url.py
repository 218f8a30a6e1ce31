from __future__ import annotations

import pytest

from device.credentials.base64url import from_base64url, to_base64url


@pytest.mark.parametrize(("data", "text"), [(b"", b""), (b"f", b"Zg"), (b"fo", b"Zm8"), (b"foo", b"Zm9v"), (b"\xfb\xff", b"-_8")])
def test_bytes_have_one_text(data: bytes, text: bytes) -> None:
    assert (to_base64url(data), from_base64url(text)) == (text, data)


@pytest.mark.parametrize("text", [b"Zg==", b"Zh", b"Z", b"+/8", b"Zm9v\n", b" Zm9v", b"Zm\xe1\xbb\x85v", b"Zm9v="])
def test_a_second_spelling_is_none(text: bytes) -> None:
    assert from_base64url(text) is None
