"""All that must not be found: every personal value in every form, and the pieces of every code that was shown."""

from __future__ import annotations

from collections.abc import Iterable

from tests.canaries.people import Person
from tests.canaries.spelling import LEAST, forms, pieces

SHARED = ""
CODE = ": code "
"""In the name of every piece of a code."""


class Catalogue:
    def __init__(self) -> None:
        self._values: dict[bytes, str] = {}
        self._pieces: dict[bytes, tuple[str, str]] = {}  # the piece -> whose, what
        self.values = 0

    def add_person(self, name: str, person: Person) -> None:
        for what, value in person.values().items():
            self.values += 1
            self._values |= dict.fromkeys(forms(value), f"{name}: {what}")
        for word in (*person.name.split(" "), *person.address.split(" ")):
            if not word.isascii() and len(word.encode()) >= LEAST:
                self._values |= dict.fromkeys((each.encode() for each in (word, word.upper(), word.lower())), f"{name}: a word of name or address")

    def add_code(self, name: str, kind: str, code: bytes) -> None:
        """A piece that the codes of two people share names neither: it belongs to the format."""
        self.values += 1
        for piece in pieces(code):
            whose, _ = self._pieces.setdefault(piece, (name, kind))
            if whose != name:
                self._pieces[piece] = (SHARED, kind)

    def patterns(self) -> dict[bytes, str]:
        return {piece: f"{whose}{CODE}{kind}" for piece, (whose, kind) in self._pieces.items() if whose != SHARED} | self._values


def catalogue_of(people: Iterable[Person], codes: Iterable[tuple[int, str, bytes]]) -> Catalogue:
    """``codes`` are number of the person, kind and code."""
    catalogue = Catalogue()
    for number, person in enumerate(people):
        catalogue.add_person(f"person {number}", person)
    for number, kind, code in codes:
        catalogue.add_code(f"person {number}", kind, code)
    return catalogue
