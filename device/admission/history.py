"""What is remembered of a credential and of this site when a decision is due: values, collected by whoever remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from device.admission.lists import ListKind

NOT_LISTED: Mapping[ListKind, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered when somebody shows a code.

    ``uses`` are those of the pass, reserved or consumed; ``step`` is the last time step of the rotating pass that was
    admitted; ``inside`` says whether the bearer is inside, as far as this gate knows; ``admitted_ago_ns`` is the time since
    the bearer was last let in or out here, ``None`` where that is not remembered. ``occupied`` places are taken or reserved,
    ``grants_last_minute`` are the people who were let in in the last 60 s. ``listed`` are the lists that name the bearer or the credential,
    with the entry's value, ``stale`` the lists that are missing or older than they may be.
    """

    uses: int = 0
    step: int | None = None
    inside: bool = False
    admitted_ago_ns: int | None = None
    occupied: int = 0
    grants_last_minute: int = 0
    listed: Mapping[ListKind, int] = field(default_factory=lambda: NOT_LISTED)
    stale: frozenset[ListKind] = frozenset()


NO_HISTORY = History()
