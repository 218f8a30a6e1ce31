from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from device.replay.findings import Findings, Timeline, Totals
from device.replay.page import page
from tests.device.replay.test_report import FINDINGS, MISSED, READ

VOID = {"meta", "br", "img", "input", "link"}
NOTHING = Findings("empty", "folder", 0, 0, Totals(0, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0), (), (), Timeline([], b"", b"", (), ()))


class Reader(HTMLParser):
    """Every tag with its attributes, the words, and whether each is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("findings", [FINDINGS, NOTHING, replace(FINDINGS, missed=()), replace(FINDINGS, presentations=())])
def test_a_page_is_well_formed_and_says_its_language(findings: Findings) -> None:
    read = Reader(page(findings, thumbnails=False))
    assert (read.open, read.tags[0]) == ([], ("html", {"lang": "en"}))


def test_a_page_fetches_nothing_and_forbids_it() -> None:
    tags = Reader(page(FINDINGS, thumbnails=False)).tags
    policies = [given["content"] for tag, given in tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert [tag for tag, given in tags if tag in {"script", "link", "iframe", "object"} or "href" in given] == []


def test_names_from_outside_are_words_and_never_markup() -> None:
    evil = '<img src=x onerror=alert(1)>"&'
    findings = replace(
        FINDINGS,
        name=evil,
        kind=evil,
        broke_off=evil,
        presentations=(replace(READ, stage=evil, kind=evil),),
        timeline=replace(FINDINGS.timeline, stages=(evil, "b")),
    )
    read = Reader(page(findings, thumbnails=True))
    assert [tag for tag, _ in read.tags if tag == "img"] == []
    assert read.words.count(evil) >= 7


def test_each_presentation_and_each_miss_is_a_row_whose_cells_know_their_names() -> None:
    read = Reader(page(FINDINGS, thumbnails=False))
    names = [given["data-name"] for tag, given in read.tags if tag == "td"]
    assert names[:4] == ["from", "to", "what", "why"]
    assert names[4:] == [
        "#",
        "code",
        "kind",
        "seen",
        "found",
        "read",
        "frame",
        "waited",
        "first read by",
        "reads of looks",
        "frames",
        "px/module",
        "left",
    ]


def test_a_picture_says_what_it_is_for_whoever_does_not_see_it() -> None:
    findings = replace(FINDINGS, presentations=(replace(READ, thumbnail="AAAA"), READ), missed=(replace(MISSED, thumbnail="BBBB"),))
    pictures = [given for tag, given in Reader(page(findings, thumbnails=True)).tags if tag == "img"]
    assert [given["src"] for given in pictures] == ["data:image/jpeg;base64,BBBB", "data:image/jpeg;base64,AAAA"]
    assert {given["alt"] for given in pictures} == {"What was held up; the code in it is made unreadable"}


def test_the_plot_is_told_in_words_too_and_can_be_scrolled_by_keyboard() -> None:
    tags = Reader(page(FINDINGS, thumbnails=False)).tags
    (drawing,) = [given for tag, given in tags if tag == "svg"]
    (scroll,) = [given for _, given in tags if given.get("class") == "scroll"]
    ids = {given["id"] for _, given in tags if "id" in given}
    assert drawing["role"] == "img"
    assert set(drawing["aria-labelledby"].split()) <= ids
    assert (scroll["tabindex"], scroll["role"]) == ("0", "region")
