from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from device.errors import UsageError
from device.reader.frame import Luma
from device.reader.still import read_still
from provisioning.authority import batch, keys, sheet
from provisioning.authority.batch import Made
from provisioning.authority.passes import Terms

KEY = keys.signing_key_from_seed(b"k" * 32)
NOW = datetime(2027, 5, 1, tzinfo=UTC)
TABLE = """label,zone,direction,until,uses,counted_at,party,count
Nguyễn Văn Thử (xe 12),main,entry,2027-05-31,3,gb-01,4,
,main hall,,2027-05-31,,,,7
Đoàn khách có một cái tên rất dài không vừa một dòng,cho-dau-moi benh-vien truong-hoc ben-xe-giap-bat cua-khau-huu-nghi,exit,2027-12-31,,,50,2
"""
TEN = batch.make_all(KEY, TABLE, Terms(), NOW)


def scanned(page: Image.Image) -> Luma:
    """The page as an office scanner sees it at 150 dots an inch: grey, a little turned, soft and noisy."""
    small = page.convert("L").reduce(sheet.DPI // 150).rotate(1.2, Image.Resampling.BICUBIC, fillcolor=255)
    noise = np.random.default_rng(1).normal(0, 8, (small.height, small.width))
    return np.clip(np.asarray(small, np.float32) * 0.8 + 25 + noise, 0, 255).astype(np.uint8)


def test_every_pass_of_a_sheet_is_read_from_a_scan() -> None:
    read = [[symbol.payload.decode() for symbol in read_still(scanned(page))] for page in sheet.pages(TEN)]
    assert [sorted(page) for page in read] == [sorted(each.text for each in part) for part in (TEN[:9], TEN[9:])]


def test_a_symbol_is_at_least_five_centimetres_wide_in_a_quiet_zone_of_four_modules() -> None:
    for made in TEN:
        code = np.asarray(sheet._symbol(made.text))
        dark = np.flatnonzero(~code.all(axis=0))
        width, quiet = dark[-1] - dark[0] + 1, dark[0]
        modules = round(7 * width / np.argmax(code[dark[0], dark[0] :]))  # a finder pattern has seven
        assert 50 <= width / sheet.DPI * 25.4 <= 53
        assert (quiet * modules, code.shape) == (4 * width, (width + 2 * quiet,) * 2)


def test_cards_do_not_touch_each_other() -> None:
    widest = max(sheet._symbol(made.text).width for made in TEN)
    assert widest <= sheet._dots(sheet.CARD_MM[0])


def test_the_sheet_is_a4_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    done: list[tuple[str, int, int]] = []
    sheet.write_sheet(tmp_path / "sheet.pdf", TEN, lambda *how_far: done.append(how_far))
    content = (tmp_path / "sheet.pdf").read_bytes()
    boxes = {tuple(round(float(each)) for each in box.split()) for box in re.findall(rb"/MediaBox \[ ([0-9. ]+) \]", content)}
    assert (content[:5], re.findall(rb"/Count ([0-9]+)", content)[-1], boxes) == (b"%PDF-", b"2", {(0, 0, 595, 842)})
    assert ((tmp_path / "sheet.pdf").stat().st_mode & 0o777, done) == (0o600, [("pages", 1, 2), ("pages", 2, 2)])


def test_one_pass_makes_one_page() -> None:
    (page,) = sheet.pages(TEN[:1])
    assert (page.mode, page.size) == ("1", (4961, 7016))


def test_every_letter_of_the_sheet_is_in_the_font() -> None:
    font = sheet._fonts()[1].font
    vietnamese = "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
    none = bytes(font.getmask("\uffff"))
    assert [letter for letter in vietnamese + vietnamese.upper() + "·…" if bytes(font.getmask(letter)) == none] == []


@pytest.mark.parametrize(
    ("words", "width", "rows"),
    [
        ("", 100, 1),
        ("main", 10_000, 1),
        ("main hall", 10_000, 1),
        (" ".join(["zone"] * 100), 1000, 3),
        ("x" * 500, 1000, 1),
    ],
)
def test_words_are_wrapped_within_their_card(words: str, width: int, rows: int) -> None:
    font = sheet._fonts()[1].font
    wrapped = sheet._wrapped(words, font, width)
    assert len(wrapped) == rows
    assert all(font.getlength(row) <= width for row in wrapped)


def test_a_machine_without_vietnamese_letters_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "FONTS", (("no-such-font.ttf", "no-such-font.ttf"),))
    with pytest.raises(UsageError) as caught:
        list(sheet.pages(TEN[:1]))
    assert (caught.value.what, "fonts-dejavu-core" in caught.value.hint) == ("no font with Vietnamese letters was found", True)
    assert isinstance(ImageFont.load_default(20), ImageFont.FreeTypeFont)


def test_a_machine_that_draws_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match="draws no sheets"):
        list(sheet.pages([Made("KD1.a.b", "99" * 16, "", Terms())]))
