"""Everything that orders need, put together once: who may order, challenges, the ordered mode, files that come, and the time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device import clock
from device.admission.lists import ListKind
from device.bundles.delegations import Delegation, Role
from device.commands.challenges import Challenges
from device.degraded import Trouble
from device.domain import EventType, Instant
from device.gate.act import Act
from device.gate.carrying_out import CarryingOut
from device.gate.commands import Commands
from device.gate.condition import Condition
from device.gate.deciding import Deciding
from device.gate.diagnostics import Diagnostics
from device.gate.lane_mode import OrderedMode
from device.gate.lately import Lately
from device.gate.list_mapped import ListState
from device.gate.province import Province, Tell, place
from device.gate.store import Store
from device.gate.time_asking import TimeAsking
from device.gate.transfer import Transfer
from device.settings import Settings


@dataclass(frozen=True, slots=True)
class Commanding:
    """``look`` is a chore of the recording thread, ``take`` hears what came below ``cmd/``, ``broker`` of the session with the broker.

    ``diagnose`` tells how the gate is, to whoever may ask.
    """

    diagnose: Diagnostics
    _commands: Commands
    _mode: OrderedMode
    _time: TimeAsking
    _transfer: Transfer

    def take(self, verb: str, payload: bytes) -> None:
        self._commands.take(verb, payload)

    def broker(self, *, connected: bool) -> None:
        self._time.broker(connected=connected)

    def look(self, now_ns: int) -> None:
        self._mode.look(now_ns)
        self._commands.look(now_ns)
        self._time.look(now_ns)

    def close(self) -> None:
        self._transfer.close()


def open_commanding(  # noqa: PLR0913 - the composition root hands everything in, once
    settings: Settings,
    *,
    boot: str,
    store: Store,
    act: Act,
    deciding: Deciding,
    province: Province,
    condition: Condition,
    lists: Callable[[Instant], Mapping[ListKind, ListState]],
    lately: Lately,
    wall: clock.WallClock,
    passed_s: Callable[[], int],
    say: Callable[[str, bytes], object],
    again: Callable[[int, int], bool],
    restart: Callable[[], None],
    tell: Tell,
) -> Commanding:
    """After the inbox is made, whose folder files come into.

    ``say`` and ``again`` are the outbox's, ``restart`` ends this process in order, ``passed_s`` is the inbox's.
    """

    def from_the_store(first: int, last: int) -> bool:
        """What became a void because the broker would not take it is offered once more."""
        store.unvoid(first, last)
        return again(first, last)

    def record(facts: dict[str, Any]) -> None:
        with store.transaction() as writing:
            writing.append(EventType.COMMAND, facts, subject="gate", now=wall.now())

    def erased(first: int, last: int, facts: dict[str, Any]) -> int:
        with store.erasing() as writing:
            rows = writing.identities.erase(first, last)
            writing.append(EventType.COMMAND, facts | {"erased": rows}, subject="gate", now=wall.now())
        return rows

    def waits() -> bool:
        return deciding.store_fails

    state, where = settings.paths.state, place(settings)
    recorder = bytes.fromhex(settings.recorder.public_key)
    known = (Delegation(recorder, frozenset({Role.RECORDER})),) if recorder else ()
    challenges = Challenges(secrets.token_bytes)
    transfer = Transfer(state)
    mode = OrderedMode(state, act, boot, locked=lambda locked: condition.set(Trouble.LOCKED, on=locked), waits=waits)
    if mode.damaged:
        tell(EventType.ALARM, {"what": "mode_lost"})
    if (failed := mode.failed) is not None:
        tell(EventType.COMMAND, {"what": failed.what.value, "order": failed.order.hex(), "outcome": "failed", "why": "restarted"})
    asking = TimeAsking(challenges, say, gate=where.gate, boot=boot, now=wall.now, there_is_one=bool(recorder))
    diagnose = Diagnostics(
        boot=boot,
        state=state,
        store=store,
        mode=mode,
        lane=lambda: act.lane,
        health=condition.body,
        policy=lambda: deciding.policy,
        versions=province.versions,
        lists=lists,
        lately=lately,
        now=wall.now,
    )
    carrying_out = CarryingOut(
        open=deciding.let_through,
        lane=lambda: act.lane,
        mode=mode,
        transfer=transfer,
        places=store.places,
        again=from_the_store,
        erase=erased,
        diagnose=diagnose,
        clock=wall,
        time_taken=asking.answered,
        restart=restart,
        waits=waits,
        record=record,
        tell=tell,
    )
    commands = Commands(
        place=where,
        boot=boot,
        delegations=lambda passed: (*known, *province.delegated(passed)),
        passed_s=passed_s,
        challenges=challenges,
        carrying_out=carrying_out,
        transfer=transfer,
        say=say,
        tell=tell,
        ticks=clock.monotonic_ns,
    )
    return Commanding(diagnose, commands, mode, asking, transfer)
