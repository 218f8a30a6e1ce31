"""People who do not exist, with all that codes tell of a person; numbers are those of no province (they begin with 999)."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta

FAMILIES = ("Nguyễn", "Trần", "Phạm", "Hoàng", "Huỳnh", "Võ", "Đặng", "Bùi", "Dương", "Lý")
MIDDLES = ("Thị Thử", "Văn Mẫu", "Hữu Nghiệm", "Đình Giả", "Ngọc Chim", "Quốc Hoàng Yến")
GIVENS = ("Ánh", "Bảo", "Cường", "Diễm", "Hạnh", "Khuê", "Lượng", "Phượng", "Quỳnh", "Thảo", "Tuyết", "Vũ")
STREETS = ("Mẫu", "Chim Hoàng Yến", "Thí Nghiệm", "Giả Định", "Đèn Lồng")
LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
FIRST_BIRTH, BIRTH_DAYS = date(1940, 1, 1), 10_000
"""Up to 1967: programs hold many a later day in their own texts (seen: 2011-07-02 in a library's)."""
PHONE_FIRST, PHONE_STEP = 271_829, 618_033
"""Each number once (the step shares no factor with a million), and none that is mostly zeros: a table of offsets in memory holds
``0000000090`` (seen)."""


@dataclass(frozen=True, slots=True)
class Person:
    """Every field but ``born`` and the words of a name is this person's alone."""

    name: str
    parent: str
    address: str
    born: date
    paper: str  # 12 digits
    old_paper: str  # 9
    cancelled_paper: str  # 12
    insurance: str  # 10
    qid: str  # 18
    passport: str
    phone: str  # 10
    account: str  # 14
    email: str
    declaration: str  # a UUID
    token: str
    sheet: str
    uvci: str
    password: str
    pass_id: bytes  # 8, of a signed pass
    rotating_id: bytes  # 10, of a rotating one

    def values(self) -> dict[str, str | bytes]:
        """What must not be found, by name; the birth date as each format writes it."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "born"}
        written = {"%Y-%m-%d": "iso", "%d%m%Y": "in one", "%d/%m/%Y": "with slashes"}
        return told | {f"born, {name}": self.born.strftime(shape) for shape, name in written.items()}


def people(seed: int) -> Iterator[Person]:
    """As many as are asked for; the same for the same ``seed``."""
    chance = random.Random(seed)
    for number in range(100_000):
        yield _person(chance, number)


def _person(chance: random.Random, number: int) -> Person:
    place = f"Số {chance.randrange(1, 999)}/{number} đường {chance.choice(STREETS)}, Phường Thử Nghiệm {number}, Quận Mẫu {chance.randrange(100)}"
    return Person(
        name=_name(chance, number),
        parent=_name(chance, number),
        address=place,
        born=FIRST_BIRTH + timedelta(chance.randrange(BIRTH_DAYS)),
        paper="999" + _digits(chance, 9),
        old_paper="999" + _digits(chance, 6),
        cancelled_paper="999" + _digits(chance, 9),
        insurance="999" + _digits(chance, 7),
        qid="999" + _digits(chance, 15),
        passport="C999" + _digits(chance, 6),
        phone=f"0999{(number * PHONE_STEP + PHONE_FIRST) % 1_000_000:06}",
        account="999" + _digits(chance, 11),
        email=f"hoang.yen.{_letters(chance, 6)}.{number}@canary.example",
        declaration=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        token=_letters(chance, 40),
        sheet=_letters(chance, 20),
        uvci=f"URN:UVCI:01:VN:999{_digits(chance, 15)}#{chance.choice('ABCDEFGH')}",
        password=_letters(chance, 16),
        pass_id=chance.randbytes(8),
        rotating_id=chance.randbytes(10),
    )


def _name(chance: random.Random, number: int) -> str:
    """The last word makes it the name of one person only: a search that finds it has found him."""
    own = "".join("aàảãáạăâbc"[int(digit)] for digit in f"{number:05}")
    return f"{chance.choice(FAMILIES)} {chance.choice(MIDDLES)} {chance.choice(GIVENS)} {chance.choice('GHKLMNPT')}{own}"


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def _letters(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(LETTERS, k=count))
