"""From one version of a list to the next: the records that are new or say something else, and those that are gone.

Changes have the form of a list: sorted records, without doubles. A value that no list may hold says *gone*.
"""

from __future__ import annotations

from collections.abc import Iterator

from device.admission.lists import HASH_BYTES, RECORD, Body, count, place

GONE = 255
END = (b"\xff" * (HASH_BYTES + 1), GONE)  # above every record


def applied(base: Body, changes: Body) -> Iterator[Body]:
    """The next version's body, piece by piece, from sorted ``base`` and ``changes``; small pieces and long ones."""
    size, taken = RECORD.size, 0
    for wanted, value in RECORD.iter_unpack(changes):
        at = place(base, wanted, taken)
        if at > taken:
            yield base[taken * size : at * size]
        there = at < count(base) and RECORD.unpack_from(base, at * size)[0] == wanted
        taken = at + there
        if value != GONE:
            yield RECORD.pack(wanted, value)
    if taken < count(base):
        yield base[taken * size :]


def between(old: Body, new: Body) -> Iterator[bytes]:
    """The changes that make ``new`` of ``old``, record by record; both are sorted."""
    before, after = RECORD.iter_unpack(old), RECORD.iter_unpack(new)
    was, becomes = next(before, END), next(after, END)
    while was is not END or becomes is not END:
        if was[0] < becomes[0]:
            yield RECORD.pack(was[0], GONE)
            was = next(before, END)
        elif becomes[0] < was[0]:
            yield RECORD.pack(*becomes)
            becomes = next(after, END)
        else:
            if was[1] != becomes[1]:
                yield RECORD.pack(*becomes)
            was, becomes = next(before, END), next(after, END)
