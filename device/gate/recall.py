"""What is known of a credential when a decision is due: from the store, the lists, and the last minute."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from device.admission.history import NOT_LISTED, History
from device.admission.lists import ListKind
from device.admission.policy import Policy
from device.admission.presence import Moment, age_ns, is_forgotten, last_reset
from device.domain import ClockTrust, Credential, Direction, Instant, Proof
from device.errors import StoreError
from device.gate.keys import Fingerprints
from device.gate.list_mapped import ListState
from device.gate.memory import Memory
from device.gate.store import Store, Transaction

log = logging.getLogger("qrgate.gate")

MINUTE_NS = 60_000_000_000
FORGET_EVERY_NS = 3600 * 1_000_000_000


class Lists(Protocol):
    """The province's lists that are in force (``lists.py``)."""

    def look_up(self, names: Iterable[bytes]) -> Mapping[ListKind, int]:
        """The lists that have one of ``names``, with the entry's value."""

    def stale(self, now: Instant) -> frozenset[ListKind]:
        """The lists that are missing, or older than they may be."""

    def expected(self, names: Iterable[bytes]) -> bytes | None:
        """The entry by which the list of the expected knows somebody with these ``names``."""

    def must_stay(self) -> Iterator[bytes]:
        """The entries of those who must stay."""


class NoLists:
    """A gate to which the province gave none."""

    def look_up(self, names: Iterable[bytes]) -> Mapping[ListKind, int]:  # noqa: ARG002
        return NOT_LISTED

    def states(self, now: Instant) -> Mapping[ListKind, ListState]:  # noqa: ARG002
        return {}

    def stale(self, now: Instant) -> frozenset[ListKind]:  # noqa: ARG002
        return frozenset(ListKind)

    def expected(self, names: Iterable[bytes]) -> bytes | None:  # noqa: ARG002
        return None

    def must_stay(self) -> Iterator[bytes]:
        yield from ()


@dataclass(frozen=True, slots=True)
class Recalled:
    """``history`` is for the rules; the keyed hashes are for what will be remembered. ``names`` is empty where nobody need be.
    ``entry`` is the bearer's in the list of the expected, where there is roll-call.
    """

    history: History
    pass_key: bytes | None = field(default=None, repr=False)
    person: bytes | None = field(default=None, repr=False)
    entry: bytes | None = field(default=None, repr=False)
    names: tuple[bytes, ...] = field(default=(), repr=False)


NOTHING = Recalled(History())


class Recall:
    def __init__(self, store: Store, fingerprints: Fingerprints, lists: Lists) -> None:
        self._store = store
        self._fingerprints = fingerprints
        self._lists = lists
        self._granted_ns: deque[int] = deque()
        self._forgot: Moment | None = None

    def of(self, credential: Credential, policy: Policy, now: Moment) -> Recalled:
        """All that the rules of ``policy`` may want to know of ``credential``. Raises StoreError."""
        pass_key = self._fingerprints.of(credential.pass_key) if credential.pass_key is not None else None
        names = tuple(self._fingerprints.of(name) for name in (credential.person_key, *credential.also)) if remembers_people(policy) else ()
        with self._store.recalling() as memory:
            persons = memory.persons_of(names) or names[:1]
            inside, admitted_ago_ns = _whereabouts(memory, persons, policy, now)
            history = History(
                inside=inside,
                admitted_ago_ns=admitted_ago_ns,
                uses=memory.uses_of(pass_key) if pass_key and credential.uses is not None else 0,
                step=memory.step_of(pass_key) if pass_key and credential.step is not None else None,
                occupied=memory.occupied(without=persons) if policy.capacity is not None else 0,
                grants_last_minute=self._last_minute(now.monotonic_ns),
                listed=self._lists.look_up((credential.person_key, *credential.also, *credential.marks)),
                stale=self._lists.stale(now.instant),
            )
        reports = bool(policy.roll_call) and is_believed(credential, policy)
        entry = self._lists.expected((credential.person_key, *credential.also)) if reports else None
        return Recalled(history, pass_key, persons[0] if persons else None, entry, names)

    def remember(self, writing: Transaction, credential: Credential, recalled: Recalled, now: Moment) -> None:
        """What an admission leaves behind beside its grant, in the decision's own transaction. Raises StoreError."""
        if recalled.person is not None:
            writing.memory.know(recalled.person, recalled.names, now)
        if credential.step is not None and recalled.pass_key is not None and credential.proof is Proof.PROVEN:
            writing.memory.step(recalled.pass_key, credential.step)

    def granted(self, now_ns: int, people: int = 1) -> None:
        """So many were let in."""
        self._granted_ns.extend([now_ns] * people)

    def _last_minute(self, now_ns: int) -> int:
        while self._granted_ns and now_ns - self._granted_ns[0] >= MINUTE_NS:
            self._granted_ns.popleft()
        return len(self._granted_ns)

    def forget_if_due(self, policy: Policy, now: Moment) -> None:
        """Has a night passed, or an hour? Erase whoever has gone by then, and sealed identities whose time is over."""
        if not self._forgetting_is_due(policy, now):
            return
        self._forgot = now
        try:
            with self._store.erasing() as writing:
                writing.memory.forget(now, policy.reset_minute)
                writing.identities.erase_due(now)
        except StoreError as error:
            log.error("nothing can be erased now, it is tried again in an hour: %s", error)

    def _forgetting_is_due(self, policy: Policy, now: Moment) -> bool:
        before = self._forgot
        if before is None or age_ns(before, now) >= FORGET_EVERY_NS:
            return True
        if now.instant.trust is not ClockTrust.TRUSTED:
            return False
        return before.instant.utc < last_reset(now.instant.utc, policy.reset_minute)


def is_believed(credential: Credential, policy: Policy) -> bool:
    """May ``credential`` report its bearer at roll-call? What is forged does not, nor a claim where claims open nothing."""
    if credential.proof is Proof.CLAIMED:
        return policy.takes_claims
    return credential.proof is Proof.PROVEN


def remembers_people(policy: Policy) -> bool:
    """Does any rule ask who is inside? If none does, nobody is remembered."""
    shadow = policy.shadow is not None and remembers_people(policy.shadow)
    return policy.capacity is not None or not policy.reentry or policy.again_after_s > 0 or policy.direction is Direction.BOTH or shadow


def _whereabouts(memory: Memory, persons: Iterable[bytes], policy: Policy, now: Moment) -> tuple[bool, int | None]:
    """Is one of ``persons`` inside, and how long ago was the last of it granted, or the way out? They are one bearer."""
    stays = [stay.since for person in persons if (stay := memory.stay_of(person))]
    exits = [gone for person in persons if (gone := memory.gone_since(person))]
    inside = [since for since in stays if not is_forgotten(since, now, policy.reset_minute)]
    return bool(inside), min((age_ns(each, now) for each in (*inside, *exits)), default=None)
