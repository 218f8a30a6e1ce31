"""``--html``: one page that needs nothing else, no script, no font, no other file; it forbids itself to fetch any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from device.replay import report
from device.replay.diagnosis import TOLD
from device.replay.findings import Findings, Missed, Presentation
from device.replay.plot import legend, plot
from device.replay.style import STYLE

NO_PICTURES = "Pictures of people are not kept: this page holds none. Small ones, with the codes made unreadable, are added by --keep-thumbnails."
PICTURES = (
    "This page holds small pictures of what people held up, since --keep-thumbnails was given. The codes in them are averaged away. "
    "Show it to nobody who does not need it, and delete it afterwards."
)
NO_PAYLOADS = "What the codes say is never told, only their format and length. Equal numbers in the column “code” are equal codes."


def page(findings: Findings, *, thumbnails: bool) -> str:
    """The page; ``thumbnails`` says whether it holds pictures, and is to say so."""
    name = escape(findings.name)
    state = "miss" if findings.unread else "well"
    notes = "".join(f"<p>{escape(note)}</p>" for note in (NO_PAYLOADS, PICTURES if thumbnails else NO_PICTURES))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="referrer" content="no-referrer">
<title>qrgate replay: {name}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<p class="what">qrgate replay</p>
<h1>{name}</h1>
<p class="verdict {state}">{escape(report.verdict(findings))}</p>
<dl>{_totals(findings)}</dl>
</header>
<main>
<section aria-labelledby="timeline">
<h2 id="timeline">Timeline</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="timeline">
{plot(findings)}
</div>
{legend(findings.timeline)}
</section>
<section aria-labelledby="missed">
<h2 id="missed">Missed</h2>
{_missed(findings.missed)}
</section>
<section aria-labelledby="read">
<h2 id="read">Read</h2>
{_presented(findings.presentations)}
</section>
</main>
<footer>{notes}</footer>
</body>
</html>
"""


def _totals(findings: Findings) -> str:
    rows = (("material", f"{findings.kind}, {findings.width} x {findings.height}"), *report.totals(findings.totals))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)


def _presented(presentations: Sequence[Presentation]) -> str:
    if not presentations:
        return "<p>No code was read.</p>"
    pictures = any(each.thumbnail for each in presentations)
    head = ("#", *report.PRESENTED, *(("picture",) if pictures else ()))
    rows = []
    for number, each in enumerate(presentations, 1):
        cells = [escape(cell) for cell in (str(number), *report.presented(each))]
        rows.append([*cells, _picture(each.thumbnail)] if pictures else cells)
    return _table("Codes that were read, in the order of their first read", head, rows)


def _missed(missed: Sequence[Missed]) -> str:
    if not missed:
        return "<p>Nothing: every code that was found was read.</p>"
    pictures = any(each.thumbnail for each in missed)
    rows = []
    for each in missed:
        cells = [
            *(escape(cell) for cell in (report.clock(each.from_s), report.clock(each.to_s), report.what(each))),
            f'{escape(report.why(each))}<br><span class="advice">{escape(TOLD[each.why.reason][1])}</span>',
        ]
        rows.append([*cells, _picture(each.thumbnail)] if pictures else cells)
    return _table("Spans in which nothing was read", (*report.MISSED, *(("picture",) if pictures else ())), rows)


def _picture(thumbnail: str | None) -> str:
    if thumbnail is None:
        return "none"
    return f'<img src="data:image/jpeg;base64,{escape(thumbnail)}" alt="What was held up; the code in it is made unreadable" loading="lazy">'


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """``rows`` are HTML. Each cell knows its column's name: on a phone a row is shown as a card of named lines."""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "\n".join(f"<tr>{''.join(map(_cell, head, row))}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(name: str, content: str) -> str:
    return f'<td data-name="{escape(name)}"><span>{content}</span></td>'
