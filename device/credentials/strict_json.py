"""JSON as signed cards need it: one value a key, no number that is none, bounded depth; and its canonical form.

RFC 8785 (JCS) says how JSON is written for signing. Its difficult part, fractions, is not needed by any seal: here they
have no canonical form, and neither have truth values and null.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEPTH_MAX = 16
"""Of a canonical form. A vaccination seal has 6."""
CONTAINERS_MAX = 1000
"""Lists and objects in one text, counted by their brackets. Cards have up to some dozens. Many more are many objects at once,
and then Python looks through all of its memory for garbage: 8 ms and more instead of 2."""
INTEGER_MAX = 2**53 - 1  # what every JSON reader agrees on (RFC 7493)


def parse(text: bytes, *, fractions: bool = True) -> Any:
    """The value that ``text`` (UTF-8) holds.

    Raises:
        ValueError: no JSON, too many lists and objects, a key twice in one object, ``NaN`` and the like, or a fraction where none may be.
        RecursionError: deeper than this Python goes.
    """
    if text.count(b"{") + text.count(b"[") > CONTAINERS_MAX:
        raise ValueError("more lists and objects than a card has")
    return json.loads(text.decode("utf-8"), object_pairs_hook=_one_value_a_key, parse_constant=_refuse, parse_float=float if fractions else _refuse)


def canonical(value: Any) -> bytes:
    """``value`` as RFC 8785 writes it.

    Raises:
        ValueError: something else than texts, integers, lists and objects; half a character; too deep.
    """
    return _write(value, DEPTH_MAX).encode("utf-8")


def _write(value: Any, depth: int) -> str:
    if depth == 0:
        raise ValueError("too deep")
    if type(value) is str:
        return json.dumps(value, ensure_ascii=False)  # escapes what JCS escapes, and as JCS does
    if type(value) is int and -INTEGER_MAX <= value <= INTEGER_MAX:
        return str(value)
    if type(value) is list:
        return f"[{','.join(_write(each, depth - 1) for each in value)}]"
    if type(value) is dict:
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))  # JCS sorts by UTF-16 units, not by characters
        return f"{{{','.join(f'{_write(name, 1)}:{_write(value[name], depth - 1)}' for name in names)}}}"
    raise ValueError("no canonical form")


def _one_value_a_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse(_: str) -> NoReturn:
    raise ValueError("no number that a card may hold")
