"""The gate process: everything is made here, once, and handed to whom it concerns."""

from __future__ import annotations

import fcntl
import logging
import os
import pwd
import shutil
import threading
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import clock, notify
from device.admission.presence import Moment
from device.admission.presentations import Presentations
from device.domain import EventType, Instant
from device.errors import EXIT_OK, SettingsError, StoreError
from device.events import head
from device.events.topics import Topics
from device.failsafe import DRIVEN
from device.gate.alive import Alive
from device.gate.commanding import Commanding, open_commanding
from device.gate.condition import Condition
from device.gate.deciding import Deciding
from device.gate.inbox import Inbox
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.lane_alarms import LaneAlarms
from device.gate.latch import Latch
from device.gate.lately import Lately
from device.gate.limits import MIB, Limits
from device.gate.list_key import LIST_KEY, ListKey
from device.gate.lists import Lists, Recipient
from device.gate.outbox import Outbox
from device.gate.province import Tell, open_province, sealing
from device.gate.recall import NoLists, Recall
from device.gate.record import STALLED_NS, Facts, Record
from device.gate.roll_call import RollCall
from device.gate.rounds import Rounds
from device.gate.salvage import open_store
from device.gate.signing_key import SigningKey
from device.gate.status_file import StatusFile
from device.gate.store import Store
from device.gate.store_keeping import StoreKeeping
from device.gate.teller import Teller
from device.gate.wiring import start_lane
from device.links import READER_SOCKET, UPLINK_SOCKET, Health, Listener, own_uid
from device.settings import ClockSource, Settings

log = logging.getLogger("qrgate.gate")

RECORD_SILENT_NS = 600 * clock.NS
"""A disk may stall for minutes, and the lane is looked after all the same: an end of the process would mend no disk, and take fire input and
exit button away. A recording thread that has not turned for so long hangs.
"""

STORE = "events.db"
"""In the state folder."""

ALIVE_EVERY_NS = clock.NS // 5

LISTS_WITHIN_S = 20.0
"""At the start, before anybody is at the lane: a million entries are proven in a few seconds."""


def run(settings: Settings, stopping: threading.Event) -> int:
    """Be the gate until ``stopping``; the exit code.

    Raises:
        QrgateError: something that is needed is missing or broken: nothing was opened then, and ``failsafe`` follows.
    """
    with ExitStack() as closing:
        pulse = _Pulse()
        record = _assemble(settings, closing, pulse, stopping)
        log.info("gate %s is ready", settings.site.gate)
        notify.notify(notify.READY)
        pulse.begin(record)
        record.run(stopping)
        notify.notify(notify.STOPPING)
    return EXIT_OK


class _Pulse:
    """Tells the service manager that the gate lives, from the thread that owns the relays: no other's silence is as dangerous."""

    def __init__(self) -> None:
        self._record: Record | None = None
        self._told_ns = 0

    def begin(self, record: Record) -> None:
        self._record = record

    def beat(self) -> bool:
        """Tell it if it is time; false while the recording thread does not turn, so that nobody is decided."""
        now_ns = clock.monotonic_ns()
        silent_ns = now_ns - self._record.beat_ns if self._record is not None else 0
        if self._record is not None and now_ns - self._told_ns >= ALIVE_EVERY_NS and silent_ns < RECORD_SILENT_NS:
            self._told_ns = now_ns
            notify.notify(notify.ALIVE, wait_s=0)
        return silent_ns < STALLED_NS


def _assemble(settings: Settings, closing: ExitStack, pulse: _Pulse, stopping: threading.Event) -> Record:
    site, boot = settings.site, clock.boot_id()
    _make_folders(settings, closing)
    wall = clock.WallClock(settings.clock.source)
    signing = SigningKey(settings.paths.state)
    store = _open_store(settings, closing, boot, signing.key, wall.now())
    wall.raise_floor(store.clock_floor)
    fingerprints = Fingerprints(settings.paths.state)
    facts, lately = Facts(), Lately(clock.monotonic_ns())
    latch = Latch(settings.paths.runtime, settings.paths.state)
    act = start_lane(settings, latch, facts.tell, closing, alive=pulse.beat)
    reader = _listen(settings, READER_SOCKET, "reader_user", settings.links.reader_user)
    uplink = _listen(settings, UPLINK_SOCKET, "uplink_user", settings.links.uplink_user)
    tell = Teller()
    province = open_province(settings, settings.paths.state, renew=lambda held: pseudonyms.renew(held), tell=tell)  # noqa: PLW0108 - made below
    # Last of what a mistake in the settings may stop: a trial run on such a machine leaves the handed-over keys where they lie.
    pseudonyms = PseudonymKey(settings.paths.state, settings.pseudonyms.key_file, site.site)
    lists = _open_lists(settings, closing, tell)
    presentations = Presentations(
        read=province.read,
        fingerprint=fingerprints.of,
        settle_ns=int(settings.policy.settle_s * clock.NS),
        remembered=store.remembered(clock.monotonic_ns()),
    )
    deciding = Deciding(
        policy=province.policy,
        presentations=presentations,
        store=store,
        clock=wall,
        pseudonyms=pseudonyms,
        fingerprints=fingerprints,
        recall=Recall(store, fingerprints, lists or NoLists()),
        boot=boot,
        act=act,
        grant_within_ns=int(settings.policy.grant_within_s * clock.NS),
        committed=lambda: record.serve_uplink(),  # noqa: PLW0108 - made below: the two know each other
        seal=sealing(province.policy, site.gate, store.epoch),
    )
    province.changed = lambda: deciding.adopt(province.policy, sealing(province.policy, site.gate, store.epoch))
    inbox = Inbox(settings.paths.state, province, lists, now=wall.now, floor=lambda: store.clock_floor, tell=tell)
    roll_call = RollCall(store, lists or NoLists(), now=wall.now, tell=tell)
    topics = Topics(site.province, site.site, site.gate)
    known = settings.recorder.public_key
    recorder = Ed25519PublicKey.from_public_bytes(bytes.fromhex(known)) if known else None
    condition = Condition(
        alarm=lambda facts: deciding.fact(EventType.ALARM, facts),
        stand=act.stand,
        publish=lambda body: record.tell_uplink(Health(body)),
        outbox=lambda: store_keeping.outbox(),  # noqa: PLW0108 - made below
    )
    alive = Alive(settings.paths.state)

    def moment() -> Moment:
        return Moment(wall.now(), boot, clock.monotonic_ns())

    store_keeping = StoreKeeping(
        store=store,
        path=settings.paths.state / STORE,
        condition=condition,
        pseudonyms=pseudonyms,
        now=moment,
        has_recorder=recorder is not None,
        retention_days=settings.store.retention_days,
        tell=tell,
    )
    rounds = Rounds(
        condition,
        state=settings.paths.state,
        alive=alive,
        lists=lists or NoLists(),
        now=wall.now,
        policy=lambda: deciding.policy,
        clock_matters=settings.clock.source is not ClockSource.NONE,
    )
    lane_alarms = LaneAlarms(act, condition, latch, lambda facts: deciding.fact(EventType.ALARM, facts), clock.monotonic_ns)
    outbox = Outbox(
        store,
        topics,
        recorder,
        boot=boot,
        key=signing.public,
        head=lambda: head.sign(signing.key, store.head()),
        alarm=deciding.fact,
        void=lambda sequence, why: store.void(sequence, why, signing.key, moment()),
        commands=lambda verb, payload: commanding.take(verb, payload),  # noqa: PLW0108 - made below
        broker=lambda connected: _tell_broker(rounds, commanding, lately, connected=connected),
        health=condition.body,
        confirmed=lambda: lately.confirmed(clock.monotonic_ns()),
    )
    commanding = open_commanding(
        settings,
        boot=boot,
        store=store,
        act=act,
        deciding=deciding,
        province=province,
        condition=condition,
        lists=(lists or NoLists()).states,
        lately=lately,
        wall=wall,
        passed_s=inbox.passed_s,
        say=outbox.say,
        again=outbox.again,
        restart=stopping.set,
        tell=tell,
    )
    closing.callback(commanding.close)
    status = StatusFile(settings.paths.runtime, boot, commanding.diagnose)
    record = Record(
        reader=reader,
        uplink=uplink,
        facts=facts,
        act=act,
        presentations=presentations,
        deciding=deciding,
        outbox=outbox,
        condition=condition,
        lane_alarms=lane_alarms,
        chores=(
            rounds.look,
            store_keeping.look,
            lane_alarms.look,
            commanding.look,
            inbox.look,
            lambda now_ns: roll_call.look(deciding.policy, now_ns),
            lambda now_ns: province.tell_expiry(now_ns, passed_s=inbox.passed_s),
            status.look,
        ),
        lists=lists,
        lately=lately,
    )
    closing.callback(record.close)
    closing.callback(status.close)
    tell.begin(deciding.fact)
    deciding.recover()
    gap = alive.gap(wall.now())
    deciding.fact(EventType.AUDIT, {"what": "started", "boot": boot} | ({"not_recording": gap} if gap else {}))
    if pseudonyms.left_behind:
        log.error("the pseudonym keys are still at %s, where none is destroyed after its day; delete the file", pseudonyms.left_behind)
        deciding.fact(EventType.ALARM, {"what": "handed_keys_left"})
    return record


def _open_store(settings: Settings, closing: ExitStack, boot: str, key: Ed25519PrivateKey, now: Instant) -> Store:
    """Raises StoreError."""
    limits = Limits(settings.store.size_max_mib * MIB, settings.store.events_max)
    opened = open_store(settings.paths.state / STORE, gate=settings.site.gate, boot=boot, key=key, now=now, limits=limits)
    closing.callback(opened.store.close)
    return opened.store


def _tell_broker(rounds: Rounds, commanding: Commanding, lately: Lately, *, connected: bool) -> None:
    """Is there a session with the broker?"""
    now_ns = clock.monotonic_ns()
    rounds.broker(now_ns, connected=connected)
    lately.broker(now_ns, connected=connected)
    commanding.broker(connected=connected)


def _open_lists(settings: Settings, closing: ExitStack, tell: Tell) -> Lists | None:
    """The province's lists, those of before in force again; ``None`` where this gate has no key for any.

    Raises:
        SettingsError, StoreError: the key is none, or the folder cannot be used.
    """
    state, handed = settings.paths.state, settings.folder / LIST_KEY
    if not settings.bundles.public_key or not (handed.exists() or (state / LIST_KEY).exists()):
        return None
    key = ListKey(state, handed)
    if key.left_behind:
        log.error("the list key is still at %s; delete the file", key.left_behind)
        tell(EventType.ALARM, {"what": "handed_keys_left"})
    recipient = Recipient(province=settings.site.province, site=settings.site.site, public_key=bytes.fromhex(settings.bundles.public_key))
    lists = Lists(state / "lists", key.key, recipient, tell=tell)
    closing.callback(lists.close)
    lists.load()
    if not lists.wait(LISTS_WITHIN_S):
        log.error("the lists of before are not in force yet: what needs them refuses until they are")
    return lists


def _make_folders(settings: Settings, closing: ExitStack) -> None:
    """The state folder, for this process alone, and in the runtime folder a copy of what is driven now: ``failsafe`` goes by it.

    A technician may edit ``gate.toml`` while the gate runs; what must be let go is what was driven.
    """
    try:
        settings.paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        _be_the_only_one(settings.paths.state, closing)
        settings.paths.runtime.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = settings.paths.runtime / f"{DRIVEN}.new"
        shutil.copyfile(settings.folder / "gate.toml", new)
        new.replace(settings.paths.runtime / DRIVEN)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"{error.filename or settings.paths.state} cannot be written: {error.strerror}",
            hint="[paths] in gate.toml names the folders; the gate's user must own them",
        ) from None


def _be_the_only_one(state: Path, closing: ExitStack) -> None:
    """Hold a lock on the folder itself until the process ends, however it ends. Raises OSError, StoreError."""
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    closing.callback(os.close, folder)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(f"another gate process works in {state}", hint="`systemctl stop qrgate-gate`, or end the other `qrgate run`") from None


def _listen(settings: Settings, name: str, key: str, user: str) -> Listener:
    try:
        uid = pwd.getpwnam(user).pw_uid if user else own_uid()
    except KeyError:
        raise SettingsError(f"links.{key} names {user!r}, and there is no such user", hint="`sudo make install` makes the users") from None
    # Connecting needs write permission on the socket; whom we talk to is asked of the kernel, so 0666 opens nothing.
    return Listener(settings.paths.runtime / name, {uid}, mode=0o666 if user else 0o600)
