"""What one person holds up: a code of every kind, good ones and wrong ones, all with something personal in it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from device.credentials.payment import crc16_ccitt_false
from device.demo.payloads import GATE
from tests.canaries.issuers import Issuers
from tests.canaries.people import Person
from tests.canaries.spelling import bare

MakeCode = Callable[[Person, Issuers], bytes]


def _mic(person: Person, _: Issuers) -> bytes:
    rest = f"{person.born:%Y-%m-%d}|0|{person.qid}|<1<GD499{person.insurance}<{person.phone}"
    return f"{person.paper}|{bare(person.name).upper()}|{rest}".encode()


def _mic_masked(person: Person, _: Issuers) -> bytes:
    return f"{person.paper[:4]}*****{person.paper[9:]}|{person.name}|19**-**-**|0|{person.qid}|<1<{person.insurance}<{person.phone}".encode()


def _cccd7(person: Person, _: Issuers) -> bytes:
    return f"{person.paper}|{person.old_paper}|{person.name}|{person.born:%d%m%Y}|Nữ|{person.address}|15042021".encode()


def _cccd11(person: Person, _: Issuers) -> bytes:
    more = f"|{person.cancelled_paper}|{person.parent}|{person.parent}|"
    return f"{person.paper}||{person.name}|{person.born:%d%m%Y}|Nam|{person.address}|01082024{more}".encode()


def _bhyt_old(person: Person, _: Issuers) -> bytes:
    name, address = person.name.encode().hex(), person.address.encode().hex()
    return f"GD499{person.insurance}|{name}|{person.born:%d/%m/%Y}|1|{address}|79 - 026|01/01/2021|31/12/2026|01/01/2021|$".encode()


def _bhyt_new(person: Person, _: Issuers) -> bytes:
    name, address, parent = (text.encode().hex().upper() for text in (person.name, person.address, person.parent))
    first = f"{person.insurance}|{name}|{person.born:%d/%m/%Y}|2|{address}|79 - 026|01/01/2021|-|01/01/2021"
    return f"{first}|99900000001|{parent}|4|01/01/2025|0123456789abcdef-7102|4|{parent}|$".encode()


def _vcard(person: Person, _: Issuers) -> bytes:
    lines = (f"FN:{person.name}", f"TEL:{person.phone}", f"EMAIL:{person.email}", f"ADR:;;{person.address}", f"BDAY:{person.born:%Y-%m-%d}")
    return "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD")).encode()


def _payment(person: Person, _: Issuers) -> bytes:
    name = bare(person.name)[:25].upper()
    account = f"0010A0000007270128000697043601{len(person.account):02}{person.account}0208QRIBFTTA"
    body = f"00020101021138{len(account):02}{account}53037045802VN59{len(name):02}{name}6304".encode()
    return body + b"%04X" % crc16_ccitt_false(body)


def _damaged(make: MakeCode) -> MakeCode:
    """The same with one letter within its signature changed. The new one is a digit that every alphabet has in that place."""

    def damaged(person: Person, issuers: Issuers) -> bytes:
        code = make(person, issuers)
        at = len(code) - 40
        return code[:at] + (b"3" if code[at : at + 1] != b"3" else b"2") + code[at + 1 :]

    return damaged


def _cut(make: MakeCode) -> MakeCode:
    """The same without its last third: a symbol in pieces, or a card of another form."""
    return lambda person, issuers: make(person, issuers)[: len(make(person, issuers)) * 2 // 3]


SIGNED: dict[str, MakeCode] = {
    "kd1": lambda person, issuers: issuers.signed_pass(person),
    "kd1 of a party, counted": lambda person, issuers: issuers.signed_pass(person, uses=3, counted_at=GATE, party=2),
    "kd1 forged": _damaged(lambda person, issuers: issuers.signed_pass(person)),
    "kd2": lambda person, issuers: issuers.rotating_pass(person),
    "hc1": lambda person, issuers: issuers.health_certificate(person),
    "hc1 of a stranger": lambda person, issuers: issuers.strangers_certificate(person),
    "hc1 forged": lambda person, issuers: issuers.forged_certificate(person),
    "hc1 damaged": _damaged(lambda person, issuers: issuers.health_certificate(person)),
    "shc": lambda person, issuers: issuers.card(person),
    "shc forged": _damaged(lambda person, issuers: issuers.card(person)),
    "vds": lambda person, issuers: issuers.seal(person),
    "vds cut": _cut(lambda person, issuers: issuers.seal(person)),
}
CLAIMS: dict[str, MakeCode] = {
    "mic": _mic,
    "mic masked": _mic_masked,
    "cccd 7": _cccd7,
    "cccd 11": _cccd11,
    "bhyt old": _bhyt_old,
    "bhyt new": _bhyt_new,
    "hcmc": lambda person, _: f"https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id={person.declaration}".encode(),
    "luong xanh": lambda person, _: f"https://vantai.drvn.gov.vn/tokhaiyteQR?token={person.token}".encode(),
    "tkvt": lambda person, _: f"TKVT_{person.sheet}".encode(),
}
MISREADS: dict[str, MakeCode] = {
    "mic cut": _cut(_mic),
    "cccd of five fields": _cut(_cccd7),
    "bhyt cut": _cut(_bhyt_new),
    "vcard": _vcard,
    "mailto": lambda person, _: f"mailto:{person.email}?subject={quote(person.name)}&body={quote(person.address)}".encode(),
    "sms": lambda person, _: f"smsto:{person.phone}:{person.name}, {person.paper}".encode(),
    "wifi": lambda person, _: f"WIFI:T:WPA;S:{person.name};P:{person.password};;".encode(),
    "payment": _payment,
    "link": lambda person, _: f"https://canary.example/login?token={person.token}&user={quote(person.email)}".encode(),
    "health link": lambda person, _: f"https://tokhaiyte.vn/?id={person.declaration}&phone={person.phone}".encode(),
    "a note": lambda person, _: f"{person.name}, {person.address}, {person.passport}".encode(),
    "a note in UTF-16": lambda person, _: f"{person.name} {person.phone} {person.password}".encode("utf-16"),
    "bytes": lambda person, _: b"\xff\xfe\x00" + person.pass_id + person.token.encode() + b"\x00\x80" + person.paper.encode(),
}
KINDS: dict[str, MakeCode] = {**CLAIMS, **SIGNED, **MISREADS}
"""Each person shows one of each, in this order."""
