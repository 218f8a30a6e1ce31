"""Documents (tables, lists and what stands in them) with something wrong in them, before anybody writes and signs them."""

from __future__ import annotations

import random
from typing import Any

import cbor2

from tests.fuzz.mutation import ALONE

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, 3, -1, 2**32, 2**40, -(2**63), 2**64, 2**70, 1.5, 1e300, float("nan"), float("inf")),
    *("", "hall", "entry", "g1", "g-999", "\ud7ff", "x" * 70, "9" * 40, "2026-05-03", "2026-02-30", "2026-05-03T10:00:00Z", "00:00", "24:00"),
    *("https://card.example.vn", "VN", "URN:UVCI:01:VN:999000000001#A", "\u202e\u0301", b"", b"12345678", b"\x00" * 32, b"\xff" * 65),
)
TEXTS = (
    "v",
    "t",
    "r",
    "iss",
    "exp",
    "vc",
    "rid",
    "var",
    "if",
    "reduce",
    "in",
    "rules",
    "gates",
    "shadow",
    "sites",
    "content",
    "",
    "a",
    "\u202e" * 60,
)
NAMES: tuple[Any, ...] = (*TEXTS, 0, 1, 2, 4, 6, 9, -260, True)
TAGS = (0, 1, 2, 4, 18, 28, 29, 35, 54, 61, 258, 261)  # dates, numbers, signatures, references, patterns, sets, networks
MANY = 200


def anything(source: random.Random, depth: int = 3) -> Any:
    """Anything that CBOR can say."""
    what = source.random() if depth else 1.0
    if what < 0.1:
        return [anything(source, depth - 1) for _ in range(int(source.random() * 4))]
    if what < 0.2:
        return {source.choice(NAMES): anything(source, depth - 1) for _ in range(int(source.random() * 9))}
    if what < 0.25:
        return cbor2.CBORTag(source.choice(TAGS), anything(source, depth - 1))
    if what < 0.4:
        return source.choice((source.randbytes(int(source.random() * 40)), int(source.random() * 2**33)))
    return source.choice(VALUES)


def changed(source: random.Random, tree: Any) -> Any:
    """``tree`` with one of its parts replaced, left out, doubled or renamed. ``tree`` itself stays as it is."""
    return _changed(source, tree, tree)


def _changed(source: random.Random, part: Any, whole: Any) -> Any:
    if not isinstance(part, dict | list) or not part or source.random() < 0.1:
        return _part_of(source, whole) if source.random() < 0.3 else _instead(source, part)
    return _changed_table(source, part, whole) if isinstance(part, dict) else _changed_list(source, part, whole)


def _changed_table(source: random.Random, table: dict[Any, Any], whole: Any) -> dict[Any, Any]:
    chosen, what = source.choice(list(table)), source.random()
    if what < 0.1:
        return {name: value for name, value in table.items() if name != chosen}
    if what < 0.2:
        new = _name(source, chosen)
        return {new if name == chosen else name: value for name, value in table.items()}
    if what < 0.25:
        return {**table, _name(source, chosen): anything(source)}
    return {**table, chosen: _changed(source, table[chosen], whole)}


def _name(source: random.Random, like: Any) -> Any:
    return source.choice(TEXTS if isinstance(like, str) and source.random() < 0.95 else NAMES)


def _changed_list(source: random.Random, items: list[Any], whole: Any) -> list[Any]:
    at, what = int(source.random() * len(items)), source.random()
    if what < 0.1:
        return items[:at] + items[at + 1 :]
    if what < 0.2:
        return items[:at] + [items[at]] * source.choice((2, 3, 10, MANY)) + items[at:]
    return [*items[:at], _changed(source, items[at], whole), *items[at + 1 :]]


def _instead(source: random.Random, value: Any) -> Any:
    """Something near it, or anything."""
    if source.random() < 0.5:
        if isinstance(value, str):
            return source.choice(ALONE)(source, value.encode()).decode(errors="replace")
        if isinstance(value, bytes):
            return source.choice(ALONE)(source, value)
        if type(value) is int:
            return source.choice((value + 1, value - 1, -value, value * 10, value // 10, float(value)))
    return anything(source)


def _part_of(source: random.Random, tree: Any) -> Any:
    """Some part of ``tree``: what is right in one place may stand in another."""
    while isinstance(tree, dict | list) and tree and source.random() < 0.7:
        tree = source.choice(list(tree.values()) if isinstance(tree, dict) else tree)
    return tree
