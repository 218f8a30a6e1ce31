"""Bad payloads from good ones: torn, spliced, repeated, with fields swapped and lengths that lie. The same seed gives the same."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

SIZE_MAX = 5000
"""Bytes: more than any symbol holds, so that the refusal of too much is tried as well."""

SEPARATORS = b"|<.:/;,&=?#-_@ "
TOKENS: tuple[bytes, ...] = (
    *(b"|", b"||||", b"<", b"$", b"-", b"*", b"@", b"\\", b"?", b"#", b"%00", b"../", b"|$", b"\r\n", b"\x00", b"\x1b", b"\x7f", b" "),
    *(b"0", b"1", b"2", b"9", b"00", b"99", b"-1", b"4294967296", b"9" * 40, b"1e999", b"NaN", b"0001", b"9999"),
    *(b"1990-02-01", b"1990-02-31", b"****-**-**", b"01021990", b"31021990", b"1990", b"01/02/1990", b"Nam", "Nữ".encode()),
    *(b"999090000001", b"9900000001", b"HS4990000000001", b"C0000001", b"162979388500000100"),
    *(b"KD1.", b"KD2:", b"HC1:", b"shc:/", b"shc:/1/2/", b"CCCD:", b"TKVT_", b"GP1:", b"000201", b"6304", b'{"data":{"hdr":', b"\xdc"),
    *(b"http://", b"HTTPS://", b"www.", b"kbyt.khambenh.gov.vn", b"vantai.drvn.gov.vn", b"tokhaiyte.vn", b".vn.", b"token=", b"?id="),
    # text that is none, looks like other text, or grows when it is composed
    *(b"\xef\xbb\xbf", b"\xff", b"\xc1\xbc", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe1\xbb"),
    *(each.encode() for each in ("\u0301", "\u0323\u0301", "\u202e", "\u0661", "\u00b2", "\uff11", "\u212a", "\u017f", "\ufdfa", "\U0001f469")),
    # heads of CBOR: long arrays, maps and texts, tags, floats, endless ones, a break
    *(
        b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\x00\x00\x00\x01\x00\x00\x00\x00",
        b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5a\x00\x98\x96\x80",
    ),
    *(
        b"\x81",
        b"\xa1",
        b"\xd2",
        b"\xd8\x3d",
        b"\xd8\x1c",
        b"\xd8\x1d\x00",
        b"\xc2",
        b"\xc4\x82",
        b"\xf9\x7e\x00",
        b"\x9f",
        b"\xbf",
        b"\xff",
        b"\xf6",
    ),
)

Change = Callable[[random.Random, bytes, "Mutator"], bytes]


def _span(source: random.Random, payload: bytes, length_max: int = 64) -> tuple[int, int]:
    begin = int(source.random() * (len(payload) + 1))
    return begin, min(len(payload), begin + int(source.random() ** 2 * length_max) + 1)


def flip_a_bit(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    if not payload:
        return b"\x80"
    at = int(source.random() * len(payload))
    return payload[:at] + bytes([payload[at] ^ 1 << int(source.random() * 8)]) + payload[at + 1 :]


def set_a_byte(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    at = int(source.random() * (len(payload) + 1))
    return payload[:at] + bytes([int(source.random() * 256)]) + payload[at + 1 :]


def count_a_byte(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    """One more or less: lengths of one byte, heads of CBOR, the last digit of a number."""
    at = int(source.random() * (len(payload) + 1))
    return payload[:at] + bytes([(each + (1 if source.random() < 0.5 else -1)) % 256 for each in payload[at : at + 1]]) + payload[at + 1 :]


def cut_out(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    begin, end = _span(source, payload)
    return payload[:begin] + payload[end:]


def cut_off(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    at = int(source.random() * (len(payload) + 1))
    return payload[:at] if source.random() < 0.8 else payload[at:]


def insert_noise(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    at = int(source.random() * (len(payload) + 1))
    return payload[:at] + source.randbytes(1 + int(source.random() ** 3 * 40)) + payload[at:]


def insert_a_token(source: random.Random, payload: bytes, mutator: Mutator) -> bytes:
    begin, end = _span(source, payload, 12)
    return payload[:begin] + mutator.token() + payload[end if source.random() < 0.5 else begin :]


def repeat_a_span(source: random.Random, payload: bytes, _mutator: Mutator | None = None) -> bytes:
    begin, end = _span(source, payload)
    times = 2 + int(source.random() * 4) if source.random() < 0.95 else SIZE_MAX // max(1, end - begin)
    return payload[:begin] + payload[begin:end] * times + payload[end:]


def repeat_a_token(source: random.Random, payload: bytes, mutator: Mutator) -> bytes:
    """Up to a full symbol of bars, accents, brackets, digits."""
    if source.random() < 0.8:
        return insert_a_token(source, payload, mutator)
    at, token = int(source.random() * (len(payload) + 1)), mutator.token()
    return payload[:at] + token * int(source.random() * SIZE_MAX / len(token)) + payload[at:]


def splice(source: random.Random, payload: bytes, mutator: Mutator) -> bytes:
    other = mutator.good()
    return payload[: int(source.random() * (len(payload) + 1))] + other[int(source.random() * (len(other) + 1)) :]


def mix_fields(source: random.Random, payload: bytes, mutator: Mutator) -> bytes:
    """Fields swapped, left out, doubled, emptied, or taken from another payload."""
    separator = _separator(source, payload)
    fields, others = payload.split(separator), mutator.good().split(separator)
    for _ in range(1 + int(source.random() * 3)):
        at, to = int(source.random() * len(fields)), int(source.random() * len(fields))
        what = int(source.random() * 6)
        if what == 0:
            fields[at], fields[to] = fields[to], fields[at]
        elif what == 1 and len(fields) > 1:
            del fields[at]
        elif what == 2:
            fields.insert(to, fields[at])
        elif what == 3:
            fields[at] = b""
        elif what == 4:
            fields[at] = mutator.token()
        else:
            fields[at] = others[at % len(others)]
    return separator.join(fields)


def lie_about_a_number(source: random.Random, payload: bytes, _mutator: Mutator) -> bytes:
    """A number in digits becomes another: lengths of EMVCo fields, days, counts."""
    numbers = [found.span() for found in re.finditer(rb"[0-9]{1,4}", payload[:600])]
    if not numbers:
        return payload
    begin, end = source.choice(numbers)
    number = source.choice((int(payload[begin:end]) + 1, int(payload[begin:end]) - 1, 0, 10 ** (end - begin) - 1, int(source.random() * 10_000)))
    return payload[:begin] + b"%0*d" % (end - begin, number) + payload[end:]


def change_the_case(source: random.Random, payload: bytes, _mutator: Mutator) -> bytes:
    begin, end = _span(source, payload)
    return payload[:begin] + payload[begin:end].swapcase() + payload[end:]


def _separator(source: random.Random, payload: bytes) -> bytes:
    present = [bytes([each]) for each in SEPARATORS if each in payload]
    return source.choice(present) if present else b"|"


ALONE = (flip_a_bit, set_a_byte, count_a_byte, cut_out, cut_off, insert_noise, repeat_a_span)
"""Changes that need no other payload."""
CHANGES: tuple[Change, ...] = (
    *(*ALONE, insert_a_token, repeat_a_token, splice),
    *(mix_fields, mix_fields, mix_fields, lie_about_a_number, change_the_case),
)
ROUNDS = (1, 1, 1, 1, 2, 2, 3, 6)


class Mutator:
    """Endless payloads around ``seeds``. ``write`` makes payloads in the format's own way, for what mutation seldom reaches."""

    def __init__(self, source: random.Random, seeds: Sequence[bytes], write: Callable[[random.Random], bytes] | None = None) -> None:
        self._source = source
        self._seeds = list(seeds)
        self._write = write
        fields = {field for seed in seeds for field in re.split(rb"[|<.:/]", seed) if field}
        self._tokens = [*TOKENS, *sorted(fields)]
        self._kept: dict[str, list[bytes]] = {}

    def payload(self) -> bytes:
        source = self._source
        if source.random() < 0.03:
            return source.randbytes(int(source.random() ** 2 * 400))
        is_written = self._write is not None and source.random() < 0.5
        payload = self._write(source) if self._write is not None and is_written else self.good()
        if is_written and source.random() < 0.8:  # it is wrong within, under a signature that fits
            return payload[:SIZE_MAX]
        for _ in range(source.choice(ROUNDS)):
            payload = source.choice(CHANGES)(source, payload, self)
        return payload[:SIZE_MAX]

    def good(self) -> bytes:
        """One of the seeds, or a changed payload that was answered in a rare way."""
        if self._kept and self._source.random() < 0.3:
            return self._source.choice(self._kept[self._source.choice(list(self._kept))])
        return self._source.choice(self._seeds)

    def token(self) -> bytes:
        return self._source.choice(self._tokens)

    def keep(self, payload: bytes, answer: str) -> None:
        """Remember a few payloads for each kind of answer, so that rare answers are looked into as much as common ones."""
        kept = self._kept.setdefault(answer, [])
        if len(kept) < 16:
            kept.append(payload)
        elif self._source.random() < 0.02:
            kept[int(self._source.random() * len(kept))] = payload
