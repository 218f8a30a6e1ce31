"""What ``qrgate explain`` prints, and what it makes of what is no answer."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from device import cli
from device.domain import CredentialKind, Misread, Proof, Reason
from device.explain.masked import masked, masked_name
from device.explain.words import KINDS, MISREADS, PROOFS, REASONS
from provisioning.authority.passes import picture
from tests.gates import Issuer

CARD = "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Khu phố 1, Phường Thử, Quận Mẫu|15042021"
OF_THE_CARD = ("999090000001", "999000001", "Nguyễn", "Thử", "01021990", "Khu phố")


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(["explain", "--json", *arguments])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    return cli.main(["explain", *arguments]), capsys.readouterr().err


@pytest.mark.parametrize(("words", "members"), [(KINDS, CredentialKind), (MISREADS, Misread), (PROOFS, Proof), (REASONS, Reason)])
def test_everything_has_its_words(words: dict[Any, str], members: Any) -> None:
    assert (set(words), len(set(words.values()))) == (set(members), len(members))


def test_a_card_is_a_claim_and_nothing_personal_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", CARD]) == 1
    text = capsys.readouterr().out
    assert "citizen card" in text
    assert "REFUSE not_proven" in text
    assert [secret for secret in OF_THE_CARD if secret in text] == []
    code, document = explained(capsys, CARD, "--mode", "record")
    assert (code, document["codes"][0]["kind"], document["codes"][0]["decision"]["reason"]) == (0, "cccd", "recorded")
    assert [secret for secret in OF_THE_CARD if secret in json.dumps(document, ensure_ascii=False)] == []


def test_a_file_stdin_hex_and_a_picture_give_the_same_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = Issuer().issue(3)
    (tmp_path / "pass.txt").write_bytes(payload + b"\r\n")
    (tmp_path / "pass.png").write_bytes(picture(payload.decode()))
    answers = [explained(capsys, *each)[1]["codes"] for each in ([payload.decode()], [str(tmp_path / "pass.txt")], [str(tmp_path / "pass.png")])]
    answers.append(explained(capsys, "--hex", payload.hex())[1]["codes"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(payload + b"\n")))
    answers.append(explained(capsys, "-")[1]["codes"])
    assert answers == [answers[0]] * 5
    assert (answers[0][0]["kind"], answers[0][0]["proof"], answers[0][0]["decision"]["reason"]) == ("kd1", "unknown_issuer", "unknown_issuer")


def test_every_code_of_a_picture_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiles = [Image.open(io.BytesIO(picture(text))).convert("L") for text in (CARD, "WIFI:S:Quan;T:WPA;P:secret;;")]
    page = Image.new("L", (sum(tile.width for tile in tiles) + 60, max(tile.height for tile in tiles)), 255)
    page.paste(tiles[0], (0, 0))
    page.paste(tiles[1], (tiles[0].width + 60, 0))
    page.save(tmp_path / "two.png")
    _, document = explained(capsys, str(tmp_path / "two.png"))
    assert sorted((code["kind"] or code["shown"]) for code in document["codes"]) in (["cccd", "wifi"], ["cccd", "other"])
    cli.main(["explain", str(tmp_path / "two.png")])
    assert "code 2 of 2" in capsys.readouterr().out


def test_a_picture_without_a_code_and_one_that_is_none_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (64, 64), 128).save(tmp_path / "grey.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    assert refused(capsys, str(tmp_path / "grey.png"))[0] == 5
    assert refused(capsys, str(tmp_path / "broken.png"))[0] == 5


def test_wrong_options_are_told_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "junk").write_bytes(b"junk!")
    (tmp_path / "list.json").write_text('{"AAAA": []}')
    (tmp_path / "case.json").write_text(json.dumps({"PREFIX": "HC1:", "TESTCTX": {"CERTIFICATE": "", "VALIDATIONCLOCK": ""}}))
    (tmp_path / "odd.json").write_text(json.dumps({"PREFIX": "HC1:", "TESTCTX": {"CERTIFICATE": "!", "VALIDATIONCLOCK": "2021-01-01"}}))
    for arguments, words in (
        (["--at", "yesterday", "x"], "is no moment"),
        (["./phto.jpg"], "there is no file ./phto.jpg"),
        (["--hex", "xyz"], "pairs of hex digits"),
        (["--trust", str(tmp_path / "missing"), "x"], "cannot be read"),
        (["--trust", str(tmp_path / "junk"), "x"], "is no certificate"),
        (["--trust", str(tmp_path / "list.json"), "x"], "is no key id"),
        ([str(tmp_path / "case.json")], "says no time"),
        ([str(tmp_path / "odd.json")], "is no base64"),
    ):
        code, text = refused(capsys, *arguments)
        assert (code, words in text) == (2, True), text


@pytest.mark.parametrize("payload", ["", "\x00", "9" * 5000, "KD1.", "HC1:", "shc:/", "|" * 50, "\udcff"])
def test_no_payload_breaks_it(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = explained(capsys, "--", payload)
    assert (code, document["codes"][0]["decision"]["admit"]) == (1, False)


def test_a_json_file_that_is_no_test_case_is_a_payload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text("[1, 2]")
    assert explained(capsys, str(tmp_path / "other.json"))[1]["codes"][0]["shown"] == "other"


def test_a_case_whose_picture_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for picture_text in ("!", base64.b64encode(b"no picture").decode()):
        case = {"PREFIX": "HC1:", "2DCODE": picture_text, "TESTCTX": {"VALIDATIONCLOCK": "2021-01-01T00:00:00Z"}}
        (tmp_path / "case.json").write_text(json.dumps(case))
        assert explained(capsys, str(tmp_path / "case.json"))[1]["picture_read"] is False


@pytest.mark.parametrize(("text", "expected"), [("", ""), ("1", "*"), ("1234", "****"), ("12345", "***45"), ("999090000001", "**********01")])
def test_of_a_name_only_the_end_is_told(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_a_name_of_bytes_is_masked_as_hex() -> None:
    assert (masked_name(b"cccd:999090000001"), masked_name(b"kd1:\x00\x01\xff")) == ("cccd:**********01", "kd1:****ff")
