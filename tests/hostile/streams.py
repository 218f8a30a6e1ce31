"""Symbols whose bit stream is odd, forbidden or a lie; their error correction holds, so the decoder gets to see it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import segno

from device.reader.frame import Luma
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code
from tests.hostile import symbols
from tests.hostile.cases import Case, shown
from tests.hostile.payloads import cccd
from tests.hostile.symbols import alphanumeric, bits, byte, eci, fnc1_second, kanji, numeric, part, symbol

SEED = 1405
GOOD = b"999 a valid code beside"
CHARSETS = {0: "cp437", 1: "latin-1", 2: "cp437", 3: "latin-1", 4: "iso8859-2", 7: "iso8859-5", 11: "iso8859-9", 13: "iso8859-11", 20: "shift-jis"}
"""What zbar makes UTF-8 of, binary mode or not; zxing-cpp's bytes stay as they are. Either is what the symbol says."""

ECI_NAMED = (*CHARSETS, 21, 25, 26, 27, 28, 29, 30, 31, 35, 170)
ECI_RESERVED = (5, 14, 19, 36, 126, 127, 128, 255, 899, 900, 16383, 16384, 65535, 810900, 999999)


def cases() -> Iterator[Case]:
    yield from _appended()
    yield from _with_eci()
    yield from _all_bytes()
    yield from _kanji()
    yield from _fnc1()
    yield from _mixed()
    yield from _largest()
    yield from _empty()
    yield from _lies()
    yield from _random_streams()


def _appended() -> Iterator[Case]:
    """One printed part stops the common loop, and takes a valid code beside it along (pyzbar raises ValueError)."""
    good = code(GOOD, scale=4)
    for number in (2, 3, 4, 8, 16):
        texts = f"999 structured append in {number} parts " * number
        parts = [_modules(each) for each in segno.make_sequence(texts, symbol_count=number)]
        yield shown(f"append: first of {number}", parts[0], truth=None)
        yield shown(f"append: last of {number}", parts[-1], truth=None)
        yield shown(f"append: all of {number}", *parts[:4], truth=None)
        yield shown(f"append: one of {number} beside a valid code", parts[0], good, truth=None)
    for index, last in ((0, 0), (5, 2), (15, 15), (0, 15)):
        payload = f"999 part {index} of {last}".encode()
        yield shown(f"append: number {index} of {last}", symbol(part(index, last) + byte(payload)), truth=[payload])
    yield shown("append: a head and nothing", symbol(part(0, 1)))
    yield shown("append: two heads", symbol(part(0, 1) + part(1, 1) + byte(b"999 two heads")), truth=[b"999 two heads"])
    yield shown("append: a head after the text", symbol(byte(b"999 late") + part(0, 1)), truth=[b"999 late"])


def _modules(symbol_: segno.QRCode) -> Luma:
    return symbols.picture(symbol_.matrix, scale=3)


def _with_eci() -> Iterator[Case]:
    """An ECI changes how bytes are shown as text, never the bytes; a reader that goes by text is fooled."""
    for designator in (*ECI_NAMED, *ECI_RESERVED):
        yield shown(f"ECI: {designator}", symbol(eci(designator) + byte(VIETNAMESE[:60])), truth=_meant(designator, VIETNAMESE[:60]))
    for one, two in ((26, 3), (3, 26), (20, 26), (899, 26), (26, 999999)):
        texts = "Nữ|".encode(), "Lê Văn An".encode()
        truth = [first + second for first in _meant(one, texts[0]) for second in _meant(two, texts[1])]
        yield shown(f"ECI: {one}, then {two}", symbol(eci(one) + byte(texts[0]) + eci(two) + byte(texts[1])), truth=truth)
    yield shown("ECI: in mid-stream", symbol(byte(b"999|") + eci(26) + byte("Nữ".encode())), truth=["999|Nữ".encode()])
    yield shown("ECI: for digits", symbol(eci(26) + numeric("999000")), truth=[b"999000"])
    yield shown("ECI: for letters", symbol(eci(20) + alphanumeric("999 KD1.")), truth=[b"999 KD1."])
    yield shown("ECI: at the end", symbol(byte(b"999 end") + eci(26)), truth=[b"999 end"])
    yield shown("ECI: alone", symbol(eci(26)))
    yield shown("ECI: twenty times", symbol(eci(26) * 20 + byte(b"999 patience")), truth=[b"999 patience"])
    yield shown("ECI: of no form", symbol("0111" + "11110000" * 3 + byte(b"999 form")), truth=[b"999 form"])
    yield shown("ECI: cut off", symbol(byte(b"999 cut") + "0111" + "110", filled=False), truth=[b"999 cut"])
    yield shown("ECI: wide for a small number", symbol("0111" + "110" + bits(26, 21) + byte(b"999 wide")), truth=[b"999 wide"])
    yield shown("ECI: UTF-16 of an odd length", symbol(eci(25) + byte(b"\x009\x009\x00")), truth=[b"\x009\x009\x00"])
    yield shown("ECI: a card said to be Shift-JIS", symbol(eci(20) + byte(cccd(number="99900000000"))), truth=[cccd(number="99900000000")])


def _meant(designator: int, payload: bytes) -> list[bytes]:
    """The bytes themselves, and the same text in UTF-8."""
    text = payload.decode(CHARSETS.get(designator, "utf-8"), errors="ignore")
    return [payload, text.encode()]


def _all_bytes() -> Iterator[Case]:
    for first in range(0, 256, 8):
        payload = bytes(range(first, first + 8)) * 3
        yield shown(f"bytes: {first} to {first + 7}", symbol(byte(payload)), truth=[payload])
    everything = bytes(range(256))
    yield shown("bytes: all 256", symbol(byte(everything, version=14), version=14), truth=[everything])
    yield shown("bytes: all 256 backwards", symbol(byte(everything[::-1], version=14), version=14), truth=[everything[::-1]])
    yield shown("bytes: at random", symbol(byte(RANDOM)), truth=[RANDOM])


def _kanji() -> Iterator[Case]:
    chance = random.Random(SEED)
    for number in range(8):
        yield shown(f"kanji: at random {number}", symbol(kanji(chance.randrange(1 << 13) for _ in range(20))), truth=None)
    yield shown("kanji: the last value", symbol(kanji([0x1FFF] * 20)), truth=None)
    yield shown("kanji: the first value", symbol(kanji([0] * 20)), truth=None)
    yield shown("kanji: a text", code("点検所".encode("shift-jis"), mode="kanji"), truth=["点検所".encode("shift-jis")])
    yield shown("kanji: Hanzi mode", symbol("1101" + "0001" + bits(4, 8) + bits(0x1FFF, 13) * 4), truth=None)


def _fnc1() -> Iterator[Case]:
    """In FNC1 the percent sign stands for a separator: what a reader makes of it is its own affair, but not the rest."""
    yield shown("FNC1: first position", symbol(symbols.FNC1_FIRST + numeric("01099900000000")), truth=[b"01099900000000"])
    yield shown("FNC1: a percent sign", symbol(symbols.FNC1_FIRST + alphanumeric("10ABC%21999")), truth=[b"10ABC\x1d21999", b"10ABC%21999"])
    yield shown("FNC1: two percent signs", symbol(symbols.FNC1_FIRST + alphanumeric("10A%%B")), truth=[b"10A%B", b"10A%%B", b"10A\x1d\x1dB"])
    for indicator in (0, 37, 99, 100, 164, 197, 199, 255):
        stream = fnc1_second(indicator) + byte(b"999 second position")
        yield shown(f"FNC1: second position, {indicator}", symbol(stream), truth=None)
    yield shown("FNC1: both", symbol(symbols.FNC1_FIRST + fnc1_second(37) + byte(b"999")), truth=None)
    yield shown("FNC1: after the text", symbol(byte(b"999 late") + symbols.FNC1_FIRST), truth=[b"999 late"])
    yield shown("FNC1: alone", symbol(symbols.FNC1_FIRST))


def _mixed() -> Iterator[Case]:
    chance = random.Random(SEED + 1)
    for number in range(20):
        payload, stream = b"", ""
        for _ in range(chance.randint(2, 6)):
            kind = chance.randrange(3)
            text = "".join(chance.choice(symbols.ALPHANUMERIC[: 10 if kind == 0 else 45]) for _ in range(chance.randint(1, 9)))
            stream += (numeric, alphanumeric, lambda each: byte(each.encode()))[kind](text)
            payload += text.encode()
        yield shown(f"mixed: {number}", symbol(stream, version=8, level="L"), truth=[payload])


def _largest() -> Iterator[Case]:
    letters = (symbols.ALPHANUMERIC * 96)[:4296]
    digits = ("9990123456" * 709)[:7089]
    raw = (bytes(range(256)) * 12)[:2953]
    for name, stream, payload in (
        ("4,296 letters", alphanumeric(letters, version=40), letters.encode()),
        ("7,089 digits", numeric(digits, version=40), digits.encode()),
        ("2,953 bytes", byte(raw, version=40), raw),
    ):
        for level, scale in (("L", 3), ("L", 5)):
            yield shown(f"largest: {name} at {scale} pixels", symbol(stream, version=40, level=level, scale=scale), truth=[payload])
    yield shown(
        "largest: eight at once",
        *(code(f"999 one of eight, {n}".encode(), scale=2) for n in range(8)),
        truth=[f"999 one of eight, {n}".encode() for n in range(8)],
    )
    yield shown(
        "largest: twelve at once", *(code(f"999 {n:02}".encode(), scale=2) for n in range(12)), truth=[f"999 {n:02}".encode() for n in range(12)]
    )
    twin = code(b"999 in two hands")
    yield shown("largest: one code in two hands", twin, twin, truth=[b"999 in two hands"])


def _empty() -> Iterator[Case]:
    yield shown("empty: nothing but pads", symbol(""))
    yield shown("empty: nothing but zeros", symbol("", filled=False))
    yield shown("empty: no digits", symbol(numeric("")))
    yield shown("empty: no letters", symbol(alphanumeric("")))
    yield shown("empty: no bytes", symbol(byte(b"")))
    yield shown("empty: no kanji", symbol(kanji([])))
    yield shown("empty: ones only", symbol("1" * 3000))


def _lies() -> Iterator[Case]:
    """Counts that promise more or less than is there. What a decoder may say of it is nothing, or the bytes that are there."""
    text = b"999000000001|"
    yield shown("lie: 255 bytes, 13 there", symbol(byte(text, count=255)), truth=None)
    yield shown("lie: 255 bytes in the smallest symbol", symbol(byte(text, version=1, count=255), version=1, level="L"))
    yield shown("lie: 65,535 bytes", symbol(byte(text, version=10, count=65535), version=10))
    yield shown("lie: 1,023 digits", symbol(numeric("999000", count=1023)), truth=None)
    yield shown("lie: 511 letters", symbol(alphanumeric("999 KD1.", count=511)), truth=None)
    yield shown("lie: 255 kanji", symbol(kanji([1, 2, 3], count=255)))
    yield shown("lie: one byte of many", symbol(byte(text, count=1)), truth=None)
    yield shown("lie: digits above 999", symbol(symbols.NUMERIC + bits(9, 10) + bits(1023, 10) * 3))
    yield shown("lie: letters above 44", symbol(symbols.ALNUM + bits(8, 9) + bits(2047, 11) * 4))
    yield shown("lie: text after the end", symbol(byte(b"999 seen") + symbols.TERMINATOR + byte(b"999 unseen")), truth=[b"999 seen"])
    for mode in ("0110", "1010", "1011", "1100", "1110", "1111"):
        yield shown(f"lie: mode {mode}", symbol(mode + bits(5, 8) + byte(text)), truth=None)
        yield shown(f"lie: mode {mode} after a text", symbol(byte(text) + mode + bits(0, 8)), truth=None)
    full = byte(b"9" * 106, version=5)
    for cut in (1, 4, 7, 8, 20, 100):
        yield shown(f"cut: {cut} bits are missing", symbol(full[: 108 * 8 - cut] + "0" * cut, level="L", filled=False), truth=None)
    for at in (2, 4, 8, 11, 12, 13, 19):
        yield shown(f"cut: after {at} bits", symbol(byte(text)[:at], filled=False), truth=None)


def _random_streams() -> Iterator[Case]:
    chance = random.Random(SEED + 2)
    for number in range(30):
        version, level = chance.choice((1, 2, 5, 7, 10, 20)), chance.choice("LMQH")
        stream = "".join(chance.choice("01") for _ in range(8000))
        yield shown(
            f"random stream: {number}", symbol(stream, version=version, level=level, filled=False, scale=4 if version < 15 else 3), truth=None
        )
