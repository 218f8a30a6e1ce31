from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import UsageError
from device.settings import GATE_TABLES, SITE_TABLES
from provisioning.settings_text import render, value_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.lists(TEXTS))


@given(VALUES)
def test_every_value_is_read_back_as_it_was(value: object) -> None:
    assert tomllib.loads(f"key = {value_text(value)}") == {"key": value}


def test_a_path_that_is_no_text_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match="is not UTF-8"):
        value_text(Path("/tmp/\udcff"))


@pytest.mark.parametrize("tables", [GATE_TABLES, SITE_TABLES])
def test_every_key_stands_in_the_file_below_a_comment_that_tells_what_it_is(tables: dict[str, type]) -> None:
    text = render(tables, {}, head="head")
    for table, kind in tables.items():
        part = text.partition(f"\n[{table}]\n")[2].partition("\n\n[")[0]
        lines = part.splitlines()
        for each in fields(kind):
            (place,) = [number for number, line in enumerate(lines) if line.startswith(f"#{each.name} =")]
            assert lines[place - 1].startswith("# ")


def test_a_file_with_nothing_given_holds_no_value_so_that_defaults_may_change() -> None:
    assert tomllib.loads(render(GATE_TABLES, {}, head="head")) == {table: {} for table in GATE_TABLES}


def test_given_values_stand_in_their_tables() -> None:
    text = render(GATE_TABLES, {"relay": {"pin": 17, "active_high": False}, "reader": {"decoders": ("zbar",)}}, head="head")
    expected = {table: {} for table in GATE_TABLES} | {"relay": {"pin": 17, "active_high": False}, "reader": {"decoders": ["zbar"]}}
    assert tomllib.loads(text) == expected
