"""``qrgate-provision pass``: what its options ask for, made."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from device.credentials import kd2
from device.credentials.kd1 import issuer_key_id
from device.domain import Direction
from device.errors import UsageError
from provisioning import files
from provisioning.authority import batch, office, passes, rotating, sheet
from provisioning.authority.batch import Made, Progress
from provisioning.authority.keys import raw_public, read_signing_key

TABLE_MAX = 4 * 1024 * 1024  # bytes: 5000 lines of 800


@dataclass(frozen=True, slots=True)
class Issued:
    """What was made: for a program, for a person, what is doubted, and what a person is told beside a text alone."""

    document: dict[str, Any]
    lines: list[str]
    doubts: tuple[str, ...] = ()
    aside: str = ""


def run(options: argparse.Namespace, *, now: datetime, progress: Progress) -> Issued:
    """Do what ``options`` of the command line ask.

    Raises:
        UsageError: options that contradict each other, a table that is wrong, or terms that no gate would accept.
        VerificationError: a key of the office is missing or damaged.
        StoreError: a file cannot be written.
    """
    if options.rotating is not None:
        return _rotating(options)
    if options.pass_id or options.show_at:
        raise UsageError("--pass-id and --show-at belong to a rotating pass", hint="give --rotating SITE too")
    if options.batch is not None or options.folder is not None:
        return _batch(options, now, progress)
    return _one(options, now)


# --- signed passes ---------------------------------------------------------------------------------------------


def _one(options: argparse.Namespace, now: datetime) -> Issued:
    if options.out is None and options.sheet is None and not options.text:
        raise UsageError("nothing to make", hint="give --out FILE.png for a picture, --text for the text, --sheet FILE.pdf to print, or several")
    terms = _terms(options, now)
    key = read_signing_key(options.authority / office.ISSUER_KEY)
    made = batch.make(key, terms)
    if options.out is not None:
        files.write(options.out, passes.picture(made.text), mode=files.PRIVATE)
    if options.sheet is not None:
        sheet.write_sheet(options.sheet, [made])
    document: dict[str, Any] = {
        "key_id": issuer_key_id(raw_public(key)).hex(),
        "pass_id": made.pass_id,
        "valid_from": terms.valid_from and terms.valid_from.isoformat(),
        "valid_until": terms.valid_until and terms.valid_until.isoformat(),
        "terms": passes.described(terms),
        "picture": _path(options.out),
        "sheet": _path(options.sheet),
    }
    told = f"{options.out or options.sheet or 'pass'}: {document['terms']}"
    doubts = tuple(filter(None, [passes.doubts(terms, now)]))
    if not options.text:
        return Issued(document, [told], doubts)
    return Issued({**document, "text": made.text}, [made.text], doubts, aside=told)


def _batch(options: argparse.Namespace, now: datetime, progress: Progress) -> Issued:
    if options.batch is None or options.folder is None:
        raise UsageError("a batch needs its table and its folder", hint="give --batch FILE.csv and --folder DIR together")
    if options.out is not None or options.text:
        raise UsageError("a batch makes many passes", hint="leave --out and --text out; pictures and sheet are put into --folder")
    key = read_signing_key(options.authority / office.ISSUER_KEY)
    made = batch.make_all(key, _table(options.batch), _terms(options, now), now)
    batch.write_all(options.folder, made, progress)
    printed = options.sheet or options.folder / batch.SHEET
    sheet.write_sheet(printed, made, progress)
    document = {
        "key_id": issuer_key_id(raw_public(key)).hex(),
        "passes": len(made),
        "folder": _path(options.folder),
        "sheet": _path(printed),
        "list": _path(options.folder / batch.LIST),
    }
    return Issued(document, [f"{options.folder}: {len(made)} passes; print {printed}, keep {options.folder / batch.LIST}"], tuple(_doubts(made, now)))


def _table(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(TABLE_MAX + 1)
        if len(content) <= TABLE_MAX:
            return content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"the table {path} cannot be read: {error.strerror}", hint="is this the right file?") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the table {path} is not UTF-8", hint="in the spreadsheet, save it as CSV UTF-8") from error
    raise UsageError(f"the table {path} is larger than 4 MB", hint=f"a table makes up to {batch.PASSES_MAX} passes: split it")


def _doubts(made: list[Made], now: datetime) -> Iterator[str]:
    doubted = [doubt for each in made if (doubt := passes.doubts(each.terms, now))]
    for doubt in dict.fromkeys(doubted):
        yield f"{doubted.count(doubt)} of {len(made)} passes: {doubt}"


def _terms(options: argparse.Namespace, now: datetime) -> passes.Terms:
    begins, ends = _validity(options, now)
    return passes.Terms(
        zones=tuple(options.zone),
        direction=Direction(options.direction),
        valid_from=begins,
        valid_until=ends,
        uses=options.uses,
        counted_at=options.counted_at,
        party=options.party or 1,
    )


def _validity(options: argparse.Namespace, now: datetime) -> tuple[datetime | None, datetime | None]:
    if options.days is None:
        begins = passes.first_moment(options.valid_from) if options.valid_from else None
        ends = passes.last_moment(options.valid_until) if options.valid_until else None
        return begins, ends
    if options.valid_from or options.valid_until:
        raise UsageError("--days excludes --from and --until", hint="give either")
    return now, now + timedelta(days=options.days)


# --- rotating passes -------------------------------------------------------------------------------------------


def _rotating(options: argparse.Namespace) -> Issued:
    terms = (*options.zone, options.days, options.valid_from, options.valid_until, options.uses, options.counted_at, options.party)
    if any(terms) or options.direction != Direction.BOTH or options.batch or options.folder or options.sheet:
        raise UsageError("a rotating pass has no terms of its own and is not printed", hint="its site's key has them, in the gates' bundle")
    if options.out is None and options.show_at is None and not options.text:
        raise UsageError("nothing to make", hint="give --out FILE.png or --text for the telephone's secret, or --show-at TIME for one code")
    read_signing_key(options.authority / office.ISSUER_KEY)  # is it an office at all?
    secret = rotating.site_secret(options.authority, options.rotating)
    enrolment = rotating.enrol(secret, options.pass_id)
    document: dict[str, Any] = {"key_id": kd2.key_id(secret), "pass_id": enrolment.pass_id, "picture": _path(options.out)}
    lines = [f"{options.out or 'rotating pass'}: {enrolment.pass_id}"]
    if options.out is not None:
        files.write(options.out, passes.picture(enrolment.link), mode=files.PRIVATE)
    if options.text:
        document["link"] = enrolment.link
        lines = [enrolment.link]
    if options.show_at is not None:
        document["text"] = enrolment.text_at(options.show_at)
        lines = [*(lines if options.text else []), document["text"]]
    return Issued(document, lines)


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
