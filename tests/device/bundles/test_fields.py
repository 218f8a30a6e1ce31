from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from device.bundles.fields import TEXT_MAX, Fields
from device.errors import VerificationError


def test_what_is_read_is_what_stands_there_and_what_is_left_out_is_empty() -> None:
    fields = Fields("trust", {"key": b"k" * 32, "name": "main", "from": 7, "list": [1], "table": {"a": 1}})
    assert (fields.octets("key", (32,)), fields.text("name", pattern="[a-z]+"), fields.seconds("from")) == (b"k" * 32, "main", 7)
    assert (fields.list("list", 1), fields.table("table", 1)) == ((1,), {"a": 1})
    assert (fields.seconds("until"), fields.list("others", 1), fields.table("more", 1)) == (None, (), {})
    fields.end()


def test_a_whole_number_within_its_bounds_is_read() -> None:
    assert Fields("order", {"minutes": 30}).whole("minutes", range(1, 31)) == 30


WRONG: dict[str, tuple[Any, Callable[[Fields], Any], str]] = {
    "a key that nobody read": ({"a": 1}, Fields.end, "trust has 1 keys that this gate does not know"),
    "bytes of another length": ({"a": b"1"}, lambda fields: fields.octets("a", (2,)), "trust.a is not the bytes it should be"),
    "bytes that are left out": ({}, lambda fields: fields.octets("a", (2,)), "trust lacks 'a'"),
    "a text of another form": ({"a": "B"}, lambda fields: fields.text("a", pattern="[a-z]"), "trust.a is not the text it should be"),
    "a long text": ({"a": "a" * (TEXT_MAX + 1)}, lambda fields: fields.text("a"), "trust.a is not the text it should be"),
    "a time before 1970": ({"a": -1}, lambda fields: fields.seconds("a"), "trust.a is no time"),
    "a number outside": ({"a": 3}, lambda fields: fields.whole("a", range(3)), "trust.a is not the number it should be"),
    "a truth for a number": ({"a": True}, lambda fields: fields.whole("a", range(3)), "trust.a is not the number it should be"),
    "a number that is left out": ({}, lambda fields: fields.whole("a", range(3)), "trust lacks 'a'"),
    "a long list": ({"a": [1, 2]}, lambda fields: fields.list("a", 1), "trust.a is no list of at most 1"),
    "a long table": ({"a": {"b": 1, "c": 2}}, lambda fields: fields.table("a", 1), "trust.a is no table of at most 1"),
}


@pytest.mark.parametrize(("table", "read", "what"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told_with_its_place(table: Any, read: Callable[[Fields], Any], what: str) -> None:
    with pytest.raises(VerificationError) as caught:
        read(Fields("trust", table))
    assert caught.value.what == what


@pytest.mark.parametrize("table", [None, [], b"", "a"])
def test_what_is_no_table_is_told(table: Any) -> None:
    with pytest.raises(VerificationError, match="trust is no table"):
        Fields("trust", table)
