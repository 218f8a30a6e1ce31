from __future__ import annotations

from typing import Any

import pytest

from device.credentials.strict_json import CONTAINERS_MAX, DEPTH_MAX, canonical, parse


# RFC 8785: 3.2.2.2 for texts, 3.2.3 for the order of keys (its example, with texts for values).
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('€$\x0f\nA\'B"\\\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ("\x08\t\n\x0c\r\x1f\x7f", '"\\b\\t\\n\\f\\r\\u001f\x7f"'),
        ("Nguyễn Văn Thử", '"Nguyễn Văn Thử"'),
        (0, "0"),
        (-(2**53) + 1, "-9007199254740991"),
        ([], "[]"),
        ({}, "{}"),
        ({"b": [1, "x"], "a": {"d": 2, "c": []}}, '{"a":{"c":[],"d":2},"b":[1,"x"]}'),
        (
            {"€": "Euro", "\r": "CR", "\ufb33": "Hebrew", "1": "One", "😀": "Smiley", "\x80": "Control", "ö": "o"},
            '{"\\r":"CR","1":"One","\x80":"Control","ö":"o","€":"Euro","😀":"Smiley","\ufb33":"Hebrew"}',
        ),
    ],
)
def test_a_value_has_one_canonical_form(value: Any, text: str) -> None:
    assert canonical(value) == text.encode()
    assert parse(canonical(value), fractions=False) == value


NESTED: Any = "x"
for _ in range(DEPTH_MAX):
    NESTED = [NESTED]


@pytest.mark.parametrize("value", [1.0, 1.5, True, None, 2**53, -(2**53), b"x", ("x",), "\ud800", {"\udc00": 1}, NESTED])
def test_what_no_seal_needs_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


def test_the_deepest_value_has_a_form() -> None:
    assert canonical(NESTED[0]) == b"[" * 15 + b'"x"' + b"]" * 15


@pytest.mark.parametrize(
    "text", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"a":2}}]', b"NaN", b"[Infinity]", b"-Infinity", b"", b"{", b"\xff", b"[1,]", b"9" * 5000]
)
def test_what_is_ambiguous_or_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize("text", [b"1.0", b"[1e3]", b'{"a":-0.5}'])
def test_fractions_are_read_only_where_they_may_be(text: bytes) -> None:
    parse(text)
    with pytest.raises(ValueError):
        parse(text, fractions=False)


@pytest.mark.parametrize("depth", [CONTAINERS_MAX, 100_000])
def test_a_nest_without_end_ends_in_a_known_error(depth: int) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parse(b"[" * depth)


@pytest.mark.parametrize("container", [b"{}", b"[]"])
def test_a_text_has_at_most_1000_lists_and_objects(container: bytes) -> None:
    full = b"[" + b",".join([container] * (CONTAINERS_MAX - 1)) + b"]"
    assert len(parse(full)) == CONTAINERS_MAX - 1
    with pytest.raises(ValueError, match="more lists and objects"):
        parse(full.replace(b"[", b"[[],", 1))
