"""What people show by mistake: named, so that they can be told what to show instead. Nothing of it is kept.

One of several symbols that belong together (structured append) cannot be told from bytes: decoders hand each over as a
payload of its own, without the header that says so. A piece that begins like a credential is malformed, any other is
something unknown; only a format that numbers its pieces itself can say more.
"""

from __future__ import annotations

import re

from device.credentials import links, payment
from device.credentials.text import trimmed
from device.domain import Misread, NotACredential

# What stands behind these is nowhere described, so a declaration among it names nobody. ``www.`` before them is the same.
HEALTH_HOSTS = frozenset(
    {
        *("tokhaiyte.vn", "qr.tokhaiyte.vn", "pccovid.gov.vn", "qr.pccovid.gov.vn", "bluezone.gov.vn", "ncovi.vn"),
        *("kbyt.khambenh.gov.vn", "vantai.drvn.gov.vn"),
    }
)
HEALTH_BOOK = re.compile(r"suckhoedientu[a-z0-9-]*(?:\.[a-z0-9-]+)*\.vn")  # each province has its own
APP_STORES = frozenset(
    {
        *("apps.apple.com", "itunes.apple.com", "play.google.com", "market.android.com"),
        *("appgallery.huawei.com", "galaxystore.samsung.com"),
    }
)

# How the payload begins, in any case of letters -> what it is. The first that fits.
BEGINNINGS: tuple[tuple[re.Pattern[bytes], Misread], ...] = tuple(
    (re.compile(beginning, re.IGNORECASE), what)
    for beginning, what in (
        (rb"WIFI:", Misread.WIFI),
        (rb"BEGIN:VCARD|MECARD:|BIZCARD:|MATMSG:|(?:tel|sms|smsto|mms|mmsto|mailto):", Misread.CONTACT),
        (rb"market:|itms(?:-apps?s?)?:|appmarket:|samsungapps:", Misread.APP_STORE),
        (rb"https?:|www\.|geo:|[a-z][a-z0-9+.-]{1,30}://", Misread.LINK),
    )
)
SET_UP = re.compile(rb"GP1(?:[:/ ]|$)")
BLANKS = b" \t\r\n"


def read(payload: bytes) -> NotACredential:
    return NotACredential(_what(trimmed(payload).strip(BLANKS)))


def _what(payload: bytes) -> Misread:
    if payment.detect(payload):
        return Misread.PAYMENT
    if SET_UP.match(payload):
        return Misread.SET_UP
    if link := links.parse(payload):
        return _behind(link.host)
    for beginning, what in BEGINNINGS:
        if beginning.match(payload):
            return what
    return Misread.OTHER


def _behind(host: str) -> Misread:
    host = host.removeprefix("www.")
    if host in HEALTH_HOSTS or HEALTH_BOOK.fullmatch(host):
        return Misread.HEALTH_LINK
    return Misread.APP_STORE if host in APP_STORES else Misread.LINK
