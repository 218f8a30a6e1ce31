"""Many passes at once, from a table (CSV) of who gets which: pictures, one sheet to print, and the office's own list.

The list says which pass was made for which line: it is needed to revoke one, and it stays in the office. What a line calls
its bearer is printed on the sheet and stands in no code.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.credentials.kd1 import PARTY
from device.domain import Direction
from device.errors import UsageError
from provisioning import files
from provisioning.authority import passes
from provisioning.authority.passes import Terms

COLUMNS = ("label", "zone", "direction", "from", "until", "days", "uses", "counted_at", "party", "count")
LABEL_MAX = 60
PASSES_MAX = 5000
DAYS_MAX = USES_MAX = 10_000
SHEET, LIST = "sheet.pdf", "passes.csv"

Progress = Callable[[str, int, int], None]
"""Told after each part: what is made, how many of it are done, and of how many."""


def unseen(_what: str, _done: int, _of: int) -> None:
    """The progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Made:
    """One pass, ready to be printed. ``number`` is the short one for people, ``pass_id`` the whole one in hex."""

    text: str
    pass_id: str
    label: str
    terms: Terms

    @property
    def number(self) -> str:
        return self.pass_id[:8].upper()


def make(key: Ed25519PrivateKey, terms: Terms, label: str = "") -> Made:
    """Raises UsageError as ``passes.issue`` does."""
    pass_id = secrets.token_bytes(passes.PASS_ID_BYTES)
    return Made(passes.issue(key, terms, pass_id=pass_id), pass_id.hex(), label, terms)


def make_all(key: Ed25519PrivateKey, table: str, otherwise: Terms, now: datetime) -> list[Made]:
    """A pass for every line of ``table``, or as many as its ``count`` says. An empty cell means ``otherwise``.

    Raises:
        UsageError: a line is wrong, named by its number; nothing was made then.
    """
    made: list[Made] = []
    for number, line in _lines(table):
        try:
            terms = _terms(line, otherwise, now)
            count = _number(line.get("count") or "1", "count", PASSES_MAX - len(made))
            made += [make(key, terms, line.get("label", "")[:LABEL_MAX]) for _ in range(count)]
        except ValueError as error:  # UsageError is one too
            words = error.what if isinstance(error, UsageError) else str(error)
            raise UsageError(f"line {number} of the table: {words}", hint=f"columns are {', '.join(COLUMNS)}; days are written 2027-05-31") from error
    if not made:
        raise UsageError("the table has no line", hint=f"its first line names columns: {', '.join(COLUMNS)}")
    return made


def write_all(folder: Path, made: list[Made], progress: Progress = unseen) -> None:
    """One picture a pass and the list, in ``folder``. Only its owner may read them: each is a key to a gate."""
    files.make_folder(folder)
    listed = io.StringIO()
    rows = csv.writer(listed)
    rows.writerow(["number", "label", "pass_id", "terms", "picture"])
    for done, each in enumerate(made, 1):
        name = f"pass-{done:04d}-{each.number}.png"
        files.write(folder / name, passes.picture(each.text), mode=files.PRIVATE)
        rows.writerow([each.number, each.label, each.pass_id, passes.described(each.terms), name])
        progress("pictures", done, len(made))
    files.write(folder / LIST, "\ufeff" + listed.getvalue(), mode=files.PRIVATE)  # the mark tells spreadsheets that it is UTF-8


# --- the table -------------------------------------------------------------------------------------------------


def _lines(table: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Every line that is not empty, with its number; spreadsheets part cells by commas or by semicolons."""
    text = table.lstrip("\ufeff")
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in text.split("\n", 1)[0] else ",", strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        if unknown := [name for name in columns if name and name not in COLUMNS]:
            raise UsageError(f"the table has a column that nobody knows: {unknown[0]!r}", hint=f"columns are {', '.join(COLUMNS)}")
        for cells in reader:
            if any(cell.strip() for cell in cells[len(columns) :]):
                raise UsageError(f"line {reader.line_num} of the table has more cells than columns", hint="put a text with a comma between quotes")
            if any(cell.strip() for cell in cells):
                yield reader.line_num, {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num} of the table: {error}", hint="save it as CSV, in UTF-8") from error


def _terms(line: Mapping[str, str], otherwise: Terms, now: datetime) -> Terms:
    """Raises ValueError where a cell is no day or number."""
    given: dict[str, Any] = {}
    if line.get("zone"):
        given["zones"] = tuple(line["zone"].split())
    if line.get("direction"):
        given["direction"] = Direction(line["direction"])
    if line.get("days"):
        given |= {"valid_from": now, "valid_until": now + timedelta(days=_number(line["days"], "days", DAYS_MAX))}
    if line.get("from") or line.get("until"):
        if line.get("days"):
            raise ValueError("days exclude from and until")
        given["valid_from"] = passes.first_moment(date.fromisoformat(line["from"])) if line.get("from") else None
        given["valid_until"] = passes.last_moment(date.fromisoformat(line["until"])) if line.get("until") else None
    if line.get("uses") or line.get("counted_at"):
        given |= {
            "uses": _number(line["uses"], "uses", USES_MAX) if line.get("uses") else otherwise.uses,
            "counted_at": line.get("counted_at") or otherwise.counted_at,
        }
    if line.get("party"):
        given["party"] = _number(line["party"], "party", PARTY[-1])
    return replace(otherwise, **given)


def _number(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= most):
        raise ValueError(f"{name} may be 1 to {most}, found {text!r}")
    return int(text)
