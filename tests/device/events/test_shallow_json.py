from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.events.shallow_json import NESTED_MAX, TooDeepError, parse

NESTS = {
    "lists": (b"[", b"]"),
    "objects": (b'{"a":', b"}"),
    "both": (b'[{"a":', b"}]"),
    "after a text that ends with a backslash": (b'["\\\\",', b"]"),
    "after a text with a quote": (b'["\\"]]",', b"]"),
}


def nest(kind: str, levels: int) -> bytes:
    opening, closing = NESTS[kind]
    times = levels // (2 if kind == "both" else 1)
    return opening * times + b"0" + closing * times


@pytest.mark.parametrize("kind", NESTS)
def test_64_levels_are_read_and_no_more(kind: str) -> None:
    assert parse(nest(kind, NESTED_MAX)) == json.loads(nest(kind, NESTED_MAX))
    for levels in (NESTED_MAX + 2, 1000, 100_000):
        with pytest.raises(TooDeepError):
            parse(nest(kind, levels))


def test_brackets_beside_each_other_and_within_texts_are_no_nest() -> None:
    value = {"wide": [[], {}] * 1000, "text": '"\\[' * 1000, "[{" * 100: "]"}
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("start", [b"", b'"', b'"\\', b'["', b"]" * 1000])
def test_a_nest_that_never_ends_is_refused(start: bytes) -> None:
    with pytest.raises(ValueError):
        parse(start + b"[" * 100_000)


def test_text_without_end_takes_no_longer_the_more_quotes_it_has() -> None:
    with pytest.raises(ValueError):  # a search that begins anew at each quote would take minutes
        parse(b"[" * (NESTED_MAX + 1) + b'"' + b'\\"' * 1_000_000)


FOREIGN = ["[]".encode("utf-16"), "[]".encode("utf-32"), b"\xef\xbb\xbf[]", b'"\xed\xa0\x80"']


@pytest.mark.parametrize("body", [*FOREIGN, b"", b"{", b"\xff", b"[1,]", b"9" * 5000])
def test_what_is_no_json_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse(body)


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=200)


def levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(levels, inner), default=0)


@given(VALUES, st.integers(0, NESTED_MAX + 5), st.booleans())
def test_any_value_is_read_exactly_if_it_is_shallow(value: Any, more: int, ascii_only: bool) -> None:
    for _ in range(more):
        value = [value, '"[{']
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    if levels(value) > NESTED_MAX:
        with pytest.raises(TooDeepError):
            parse(body)
    else:
        assert parse(body) == value


@given(st.binary() | st.text(alphabet='[]{}",:\\0').map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(body)
