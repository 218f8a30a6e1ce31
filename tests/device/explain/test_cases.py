"""The EU's published test cases, through the command line as a stranger would run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from device import cli

DATA = Path(__file__).parents[4] / "shared/data/dcc"
INDEX: list[dict[str, Any]] = json.loads((DATA / "INDEX.json").read_text(encoding="utf-8")) if DATA.is_dir() else []

needs_data = pytest.mark.skipif(not INDEX, reason=f"no published test certificates at {DATA}")

CHECK_OF = {
    "EXPECTEDUNPREFIX": "prefix",
    "EXPECTEDB45DECODE": "base45",
    "EXPECTEDCOMPRESSION": "compression",
    "EXPECTEDDECODE": "claims",
    "EXPECTEDVERIFY": "signature",
    "EXPECTEDSCHEMAVALIDATION": "schema",
    "EXPECTEDKEYUSAGE": "use",
}


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(["explain", "--json", *arguments])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def told(document: dict[str, Any], expected: str) -> bool | None:
    """What the document says of one of the index's expected results; ``None`` where it says nothing."""
    (code,) = document["codes"]
    if expected == "EXPECTEDPICTUREDECODE":
        return document["picture_read"] is True if document["picture_read"] is not None else None
    if expected == "EXPECTEDEXPIRATIONCHECK":
        return bool(code["in_time"])
    return bool(code["checks"][CHECK_OF[expected]]) if expected in CHECK_OF else None


@needs_data
def test_every_stated_result_of_the_published_cases_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    compared, differing = 0, []
    for case in INDEX:
        _, document = explained(capsys, str(DATA / case["file"]))
        for expected, result in case["expected"].items():
            answer = told(document, expected)
            if answer is not None:
                compared += 1
                if answer is not result:
                    differing.append((case["file"], expected, result))
    assert (differing, compared) == ([], 590)


@needs_data
def test_a_case_that_holds_is_admitted_and_one_out_of_time_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    good = str(DATA / "raw/common/2DCode/raw/CO1.json")
    code, document = explained(capsys, good)
    assert (code, document["codes"][0]["decision"]) == (0, {"admit": True, "reason": "ok", "rules": []})
    code, document = explained(capsys, good, "--at", "2021-05-05T18:00:01Z")
    assert (code, document["codes"][0]["decision"]) == (1, {"admit": False, "reason": "expired", "rules": []})
    code, document = explained(capsys, good, "--at", "2021-05-03T17:59:59Z")
    assert (code, document["codes"][0]["decision"]["reason"]) == (1, "not_yet")
    code, document = explained(capsys, good, "--untrusted-clock")
    assert (code, document["codes"][0]["decision"]["reason"]) == (1, "clock_untrusted")


@needs_data
def test_nothing_that_names_a_person_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    looked = 0
    for case in INDEX:
        raw = json.loads((DATA / case["file"]).read_text(encoding="utf-8"))
        certificate = raw.get("JSON")
        if not isinstance(certificate, dict) or not isinstance(certificate.get("nam"), dict):
            continue
        entries = [entry for group in "vtr" for entry in certificate.get(group) or [] if isinstance(entry, dict)]
        secrets = {str(value) for value in (*certificate["nam"].values(), *(entry.get("ci") for entry in entries)) if len(str(value)) > 4}
        secrets.add(f'"dob": "{certificate.get("dob") or "?"}"')
        for arguments in (["--json"], []):
            cli.main(["explain", *arguments, str(DATA / case["file"])])
            out = capsys.readouterr().out
            assert [secret for secret in secrets if secret in out] == []
            looked += 1
    assert looked > 100
