"""What a replay found, for people and for machines.

``--json`` writes one document. Its names are stable: a field may be added, none is renamed, and ``version`` grows if one must be.

    version         1
    material        name, kind (video, folder, recording), width, height
    complete        false where the material broke off, or somebody pressed Ctrl-C
    broke_off       why it ended early, else ""
    totals          ``findings.Totals``: frames, broken, seconds, idle_share, looks, looks_read {stage: looks}, looks_unread, looks_nothing,
                    cpu_mean_ms, cpu_p95_ms, cpu_worst_ms
    presentations   a list of ``findings.Presentation``: code, kind, bytes, seen_s, found_s, read_s, read_frame, waited_s, stage,
                    stages {stage: reads}, frames, looks, reads, last_read_s, left_s or null, module_px or null
    missed          a list of ``findings.Missed``: found, from_s, to_s, first_frame, last_frame, looks, reason, also [reason],
                    measures {white, black, noise, edge_px, module_px, tilt_deg, washed, hidden}

Neither form holds anything of a payload but its length and the format it is written in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from device.replay.diagnosis import TOLD
from device.replay.findings import Findings, Missed, Presentation, Totals

VERSION = 1

PRESENTED = ("code", "kind", "seen", "found", "read", "frame", "waited", "first read by", "reads of looks", "frames", "px/module", "left")
MISSED = ("from", "to", "what", "why")


def as_json(findings: Findings) -> str:
    document = {
        "version": VERSION,
        "material": {"name": findings.name, "kind": findings.kind, "width": findings.width, "height": findings.height},
        "complete": not (findings.broke_off or findings.interrupted),
        "broke_off": findings.broke_off,
        "totals": asdict(findings.totals),
        "presentations": [_without_picture(asdict(each)) for each in findings.presentations],
        "missed": [_missed_document(each) for each in findings.missed],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_text(findings: Findings) -> str:
    lines = [f"{findings.name}: {findings.kind}, {findings.width}x{findings.height}", *_told(findings.totals), ""]
    if findings.presentations:
        lines += [*_table(PRESENTED, [presented(each) for each in findings.presentations]), ""]
    if findings.missed:
        lines += [*_table(MISSED, [_missed_row(each) for each in findings.missed]), ""]
        lines += [f"{TOLD[reason][0]}: {TOLD[reason][1]}" for reason in dict.fromkeys(each.why.reason for each in findings.missed)]
        lines.append("")
    return "\n".join([*lines, verdict(findings)]) + "\n"


def verdict(findings: Findings) -> str:
    """One line: how many were read, and how many were not."""
    read, unread, moved = len(findings.presentations), len(findings.unread), len(findings.missed) - len(findings.unread)
    line = f"read {read}, missed {unread}" + (f", long movements without a code {moved}" if moved else "")
    if findings.broke_off:
        return f"{line}; it ended early: {findings.broke_off}"
    return f"{line}; interrupted" if findings.interrupted else line


def presented(shown: Presentation) -> tuple[str, ...]:
    """One row of the table of ``PRESENTED``."""
    return (
        str(shown.code),
        f"{shown.kind}, {shown.bytes} bytes",
        clock(shown.seen_s),
        clock(shown.found_s),
        clock(shown.read_s),
        str(shown.read_frame),
        f"{shown.waited_s:.2f} s",
        shown.stage,
        f"{shown.reads} of {shown.looks}",
        str(shown.frames),
        "-" if shown.module_px is None else f"{shown.module_px:.1f}",
        "still there" if shown.left_s is None else clock(shown.left_s),
    )


def what(missed: Missed) -> str:
    return f"a code was found in {missed.looks} looks" if missed.found else "something moved, and no code was found"


def why(missed: Missed) -> str:
    """The reason, what was beside it, and the numbers it rests on."""
    measured = missed.why.measures
    numbers = [
        f"{measured.module_px:.1f} px a module" if measured.module_px else "",
        f"edges {measured.edge_px:.1f} px" if measured.edge_px else "",
        f"tilt {measured.tilt_deg:.0f}°" if measured.tilt_deg and measured.tilt_deg >= 10 else "",
        f"{100 * measured.hidden:.0f} % of it dark without contrast" if measured.hidden and measured.hidden >= 0.05 else "",
        f"{100 * measured.washed:.0f} % of it washed out" if measured.washed and measured.washed >= 0.05 else "",
        f"white {measured.white:.0f}, black {measured.black:.0f} of 255",
    ]
    reasons = ", also ".join(TOLD[reason][0] for reason in (missed.why.reason, *missed.why.also))
    return f"{reasons} ({', '.join(number for number in numbers if number)})"


def clock(seconds: float) -> str:
    """Minutes and seconds, as a video player shows them."""
    minutes, rest = divmod(round(seconds, 2), 60)
    return f"{int(minutes)}:{rest:05.2f}"


def totals(total: Totals) -> tuple[tuple[str, str], ...]:
    """The totals as name and value, in words."""
    by_stage = [f"{stage} {looks}" for stage, looks in total.looks_read.items()]
    looks = ", ".join([*by_stage, f"found, not read {total.looks_unread}", f"nothing {total.looks_nothing}"])
    return (
        ("frames", f"{total.frames} in {clock(total.seconds)}" + (f", {total.broken} broken" if total.broken else "")),
        ("idle", f"{100 * total.idle_share:.1f} % of the frames were passed over, since nothing had changed"),
        ("looks", f"{total.looks}: {looks}"),
        ("CPU a frame", f"mean {total.cpu_mean_ms:.2f} ms, 95 % under {total.cpu_p95_ms:.2f} ms, worst {total.cpu_worst_ms:.2f} ms"),
    )


def _told(total: Totals) -> list[str]:
    return [f"{name:<12} {value}" for name, value in totals(total)]


def _missed_row(missed: Missed) -> tuple[str, ...]:
    return clock(missed.from_s), clock(missed.to_s), what(missed), why(missed)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)]


def _without_picture(document: dict[str, Any]) -> dict[str, Any]:
    del document["thumbnail"]
    return document


def _missed_document(missed: Missed) -> dict[str, Any]:
    document = _without_picture(asdict(missed))
    why: dict[str, Any] = document.pop("why")
    return {**document, **why}
