from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.credentials.kd1 import issuer_key_id, read
from device.domain import Credential, Direction, Proof
from device.errors import UsageError
from provisioning.authority import batch, keys, passes
from provisioning.authority.batch import COLUMNS, PASSES_MAX
from provisioning.authority.passes import Terms

KEY = keys.signing_key_from_seed(b"k" * 32)
ISSUERS = {issuer_key_id(keys.raw_public(KEY)): KEY.public_key()}
NOW = datetime(2027, 4, 30, 17, 0, tzinfo=UTC)
OTHERWISE = Terms(zones=("main",), valid_until=datetime(2027, 12, 31, tzinfo=UTC), uses=2, counted_at="g-a")
MAY_FIRST, MAY_LAST = datetime(2027, 4, 30, 17, 0, tzinfo=UTC), datetime(2027, 5, 31, 16, 59, 59, tzinfo=UTC)


def made(table: str, otherwise: Terms = OTHERWISE) -> list[tuple[str, Terms]]:
    return [(each.label, each.terms) for each in batch.make_all(KEY, table, otherwise, NOW)]


def test_every_line_is_a_pass_that_the_gate_proves() -> None:
    table = "label,zone,direction,from,until,uses,counted_at,party\nXe 12,main hall,entry,2027-05-01,2027-05-31,3,g-b,4\n"
    (one,) = batch.make_all(KEY, table, Terms(), NOW)
    assert one.terms == Terms(
        zones=("main", "hall"), direction=Direction.ENTRY, valid_from=MAY_FIRST, valid_until=MAY_LAST, uses=3, counted_at="g-b", party=4
    )
    shown = read(one.text.encode(), ISSUERS)
    assert isinstance(shown, Credential)
    assert (shown.proof, shown.zones, shown.uses, shown.party) == (Proof.PROVEN, ("main", "hall"), 3, 4)
    assert (shown.person_key, one.number) == (b"kd1:" + bytes.fromhex(one.pass_id), one.pass_id[:8].upper())


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("a,,,,,,,,,", {}),
        ("a,b c,,,,,,,,", {"zones": ("b", "c")}),
        ("a,,exit,,,,,,,", {"direction": Direction.EXIT}),
        ("a,,,,,10,,,,", {"valid_from": NOW, "valid_until": NOW + timedelta(days=10)}),
        ("a,,,2027-05-01,,,,,,", {"valid_from": MAY_FIRST, "valid_until": None}),
        ("a,,,,2027-05-31,,,,,", {"valid_from": None, "valid_until": MAY_LAST}),
        ("a,,,,,,5,,,", {"uses": 5}),
        ("a,,,,,,,g-b,,", {"counted_at": "g-b"}),
        ("a,,,,,,,,50,", {"party": 50}),
    ],
)
def test_an_empty_cell_means_what_the_options_say(line: str, changes: dict[str, object]) -> None:
    expected = Terms(
        **{"zones": ("main",), "valid_until": OTHERWISE.valid_until, "uses": 2, "counted_at": "g-a", **changes}  # type: ignore[arg-type]
    )
    assert made(",".join(COLUMNS) + "\n" + line) == [("a", expected)]


def test_a_line_may_ask_for_many_passes_and_each_is_another() -> None:
    several = batch.make_all(KEY, "label,count\na,3\nb,\n", OTHERWISE, NOW)
    assert [each.label for each in several] == ["a", "a", "a", "b"]
    assert len({each.text for each in several}) == 4


def test_a_table_of_a_spreadsheet_is_read_as_it_was_saved() -> None:
    assert made('\ufeffLabel ;Zone;;\r\n"Thử; An";b;;\r\n;;;\r\n\r\nBình;;;\r\n') == [
        ("Thử; An", Terms(zones=("b",), valid_until=OTHERWISE.valid_until, uses=2, counted_at="g-a")),
        ("Bình", OTHERWISE),
    ]


def test_a_label_without_end_is_cut() -> None:
    assert made("label\n" + "x" * 200) == [("x" * 60, OTHERWISE)]


WRONG = {
    "": "the table has no line",
    "label\n": "the table has no line",
    "label,name\na,b\n": "the table has a column that nobody knows: 'name'",
    "label\na,b\n": "line 2 of the table has more cells than columns",
    'label\n"a\n': "line 2 of the table: unexpected end of data",
    "direction\nin\n": "line 2 of the table: 'in' is not a valid Direction",
    "until\nsoon\n": "line 2 of the table: Invalid isoformat string: 'soon'",
    "days,until\n1,2027-05-31\n": "line 2 of the table: days exclude from and until",
    "days\n0\n": "line 2 of the table: days may be 1 to 10000, found '0'",
    "uses\nmany\n": "line 2 of the table: uses may be 1 to 10000, found 'many'",
    "party\n51\n": "line 2 of the table: party may be 1 to 50, found '51'",
    "zone\nb\nMain\n": "line 3 of the table: 'Main' is no id of a zone, gate or site",
    f"count\n{PASSES_MAX + 1}\n": f"line 2 of the table: count may be 1 to {PASSES_MAX}, found '{PASSES_MAX + 1}'",
}


@pytest.mark.parametrize(("table", "what"), WRONG.items(), ids=WRONG.values())
def test_a_wrong_line_is_named_and_nothing_is_made(table: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        batch.make_all(KEY, table, OTHERWISE, NOW)
    assert caught.value.what == what


def test_pictures_and_the_offices_list_are_for_its_owner_alone(tmp_path: Path) -> None:
    done: list[tuple[str, int, int]] = []
    several = batch.make_all(KEY, "label\nAn\nBình\n", OTHERWISE, NOW)
    batch.write_all(tmp_path / "staff", several, lambda *how_far: done.append(how_far))
    names = [f"pass-0001-{several[0].number}.png", f"pass-0002-{several[1].number}.png"]
    files = sorted((tmp_path / "staff").iterdir())
    assert [file.name for file in files] == [*names, "passes.csv"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert done == [("pictures", 1, 2), ("pictures", 2, 2)]
    rows = list(csv.DictReader(io.StringIO(files[2].read_text(encoding="utf-8-sig"))))
    assert rows == [
        {"number": each.number, "label": each.label, "pass_id": each.pass_id, "terms": passes.described(OTHERWISE), "picture": name}
        for each, name in zip(several, names, strict=True)
    ]
    assert files[0].read_bytes() == passes.picture(several[0].text)


def test_nobody_need_watch(tmp_path: Path) -> None:
    batch.write_all(tmp_path, batch.make_all(KEY, "label\nAn\n", OTHERWISE, NOW))
    assert (tmp_path / "passes.csv").exists()
