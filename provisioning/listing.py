"""``qrgate-provision lists``: what the command does with its options, and how it tells of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from device.admission.list_file import Manifest
from device.admission.lists import RECORD, ListKind
from device.events.pseudonyms import VIET_NAM
from provisioning import files, steps
from provisioning.authority import lists, office

HOUR_S = 3600


def build(options: argparse.Namespace, progress: Callable[[str], None]) -> tuple[dict[str, Any], list[str]]:
    """Write the list; what to tell of it, as a document and in lines. Raises QrgateError."""
    chief = office.open_office(options.authority)
    request = lists.Request(
        kind=ListKind(options.kind),
        version=options.list_version,
        province=chief.root.province,
        sites=tuple(options.site),
        valid_for_s=options.valid_hours * HOUR_S,
        issued_s=int(datetime.now(UTC).timestamp()),
        table=options.table,
        changes_from=options.delta_from,
    )
    built = lists.build(request, lists.list_key(chief.folder), lists.signing_key(chief.folder), progress=progress)
    files.write(options.out, built.content)
    document = {"list": str(options.out.absolute()), **_described(built.manifest), "records": built.records, "doubled_lines": built.doubled}
    lines = [f"{options.out}: {_words(built.manifest)}", _form(built.manifest, built.records, whole=options.delta_from is None)]
    if built.doubled:
        lines.append(f"{built.doubled} lines said again what another line says")
    lines += steps.for_handing_over(options.out)
    return document, lines


def show(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """What a list file says of itself. Raises QrgateError."""
    signer = lists.signing_key(office.open_office(options.authority).folder) if options.authority else None
    opened = lists.open_file(options.file, signer)
    if opened.head.whole:
        opened.whole(options.file)
    records = len(opened.body) // RECORD.size
    document = {"list": str(options.file.absolute()), **_described(opened.manifest), "records": records, "signed": opened.signed or None}
    signed = "signed by this office" if opened.signed else "its signature was not looked at: --authority does that"
    return document, [f"{options.file}: {_words(opened.manifest)}", _form(opened.manifest, records, whole=opened.head.whole), signed]


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "kind": manifest.kind.value,
        "version": manifest.version,
        "province": manifest.province,
        "sites": list(manifest.sites),
        "issued": _moment(manifest),
        "valid_hours": manifest.valid_for_s // HOUR_S,
        "entries": manifest.entries,
        "digest": manifest.digest.hex(),
        "key_id": manifest.key_id.hex(),
        "base": manifest.base and manifest.base.version,
    }


def _words(manifest: Manifest) -> str:
    whom = f"sites {', '.join(manifest.sites)} of {manifest.province}" if manifest.sites else f"all of {manifest.province}"
    return (
        f"{manifest.kind} list, version {manifest.version}, {manifest.entries} entries, for {whom}, "
        f"issued {_moment(manifest)}, stale after {manifest.valid_for_s // HOUR_S} hours"
    )


def _form(manifest: Manifest, records: int, *, whole: bool) -> str:
    return "the whole list" if whole or manifest.base is None else f"{records} changes, for gates that have version {manifest.base.version}"


def _moment(manifest: Manifest) -> str:
    return datetime.fromtimestamp(manifest.issued_s, VIET_NAM).isoformat()
