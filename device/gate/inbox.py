"""Bundles and lists that a technician hands over: files in ``inbox/`` of the state folder.

Whoever may write there still decides nothing: what counts is the province's signature. A file that is still being written
begins with a dot. One file is looked at in a turn, once, and taken away when what became of it is told: a gate that dies in
between finds it again. Refusals have a budget, so that a folder full of junk is a few alarms a minute.
"""

from __future__ import annotations

import logging
import os
import stat
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from device.bundles.envelope import BUNDLE_MAX
from device.clock import NS
from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreError
from device.gate.lists import Lists
from device.gate.province import Province, Tell

log = logging.getLogger("qrgate.gate")

FOLDER = "inbox"
LOOK_NS = 2 * NS
REFUSALS_A_MINUTE = 6
MINUTE_NS = 60 * NS
BUNDLE, LIST = ".bundle", ".list"
NAMES_MAX = 256
"""Names looked at in one turn; more than these a technician does not bring."""


class _UnfitError(Exception):
    """What lies there is no file that this gate takes; the text is what the alarm says."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A name and what lay under it: another file of the same name is another one."""

    path: Path
    inode: int
    changed_ns: int


class Inbox:
    def __init__(
        self, state: Path, province: Province, lists: Lists | None, *, now: Callable[[], Instant], floor: Callable[[], datetime], tell: Tell
    ) -> None:
        """``floor`` is a moment that has passed, whatever the clock says. Raises StoreError where the folder cannot be made."""
        self._folder = state / FOLDER
        self._province = province
        self._lists = lists
        self._now = now
        self._floor = floor
        self._tell = tell
        self._next_ns: int | None = None
        self._checked: _Found | None = None  # a list that its checker works on
        self._refused_ns: deque[int] = deque(maxlen=REFUSALS_A_MINUTE)
        self._stuck: frozenset[_Found] = frozenset()  # looked at, and could not be taken away
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be made: {error.strerror}", hint="the state folder must belong to the gate's user") from None

    def look(self, now_ns: int) -> None:
        """Take what has come: the next file a turn later, and every two seconds where nothing is there."""
        if self._next_ns is not None and now_ns < self._next_ns:
            return
        if self._lists is not None and not self._lists.is_idle:
            return  # one after the other: a list whose outcome is not told yet is not taken away
        if self._checked is not None:
            self._take_away(self._checked)
            self._checked = None
        found = self._first()
        self._next_ns = now_ns + (LOOK_NS if found is None else 0)
        if found is not None and not self._is_well(found):
            self._refused_ns.append(now_ns)
            if len(self._refused_ns) == REFUSALS_A_MINUTE:
                self._next_ns = max(self._refused_ns[0] + MINUTE_NS, now_ns)

    def _is_well(self, found: _Found) -> bool:
        """Take it; false where it was refused, or cannot be taken now."""
        try:
            well = self._take(found)
        except StoreError as error:  # it stays, and is tried again
            log.error("%s cannot be taken now: %s", found.path.name, error)
            return False
        except _UnfitError as unfit:
            log.error("%s is nothing that this gate takes: %s", found.path.name, unfit)
            self._tell(EventType.ALARM, {"what": "inbox_refused", "why": str(unfit)})
            well = False
        except Exception:
            # A reader that stumbles over what the province signed must not end the gate, at each start again.
            log.exception("%s cannot be read", found.path.name)
            self._tell(EventType.ALARM, {"what": "inbox_refused", "why": "fault"})
            well = False
        if found != self._checked:
            self._take_away(found)
        return well

    def _take(self, found: _Found) -> bool:
        """False where it was refused. Raises _UnfitError, StoreError."""
        suffix = found.path.suffix
        if suffix == LIST and self._lists is None:
            raise _UnfitError("no_list_key")
        if suffix not in (BUNDLE, LIST):
            raise _UnfitError("no_such_kind")
        descriptor = _opened(found.path)
        try:
            if suffix == LIST and self._lists is not None:
                self._checked = found
                self._lists.take(descriptor)
                return True
            return self._province.take(_content(descriptor), passed_s=self.passed_s())
        finally:
            os.close(descriptor)

    def passed_s(self) -> int:
        """A moment that has certainly passed, in seconds since 1970: now by a clock that may be believed, else its floor."""
        now = self._now()
        return int((now.utc if now.trust is ClockTrust.TRUSTED else self._floor()).timestamp())

    # --- the folder --------------------------------------------------------------------------------------------

    def _first(self) -> _Found | None:
        """By name, of what has not been looked at."""
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(entry.name for entry in islice(entries, NAMES_MAX) if not entry.name.startswith("."))
            here = [found for name in names if (found := _found(self._folder / name)) is not None]
        except OSError as error:
            log.error("%s cannot be looked at: %s", self._folder, error.strerror)
            return None
        self._stuck &= frozenset(here)
        return next((found for found in here if found not in self._stuck), None)

    def _take_away(self, found: _Found) -> None:
        try:
            if _found(found.path) == found:  # another one may have come under its name meanwhile
                found.path.unlink()
        except OSError as error:
            log.error("%s was looked at and cannot be taken away: %s; delete it", found.path, error.strerror)
            self._stuck |= {found}


def _found(path: Path) -> _Found | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return _Found(path, status.st_ino, status.st_ctime_ns)


def _opened(path: Path) -> int:
    """A descriptor of the regular file itself: no link is followed, and a pipe is not waited for. Raises _UnfitError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise _UnfitError("unreadable") from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _UnfitError("no_file")


def _content(descriptor: int) -> bytes:
    """What is longer than a bundle stays too long. Raises _UnfitError."""
    try:
        return os.pread(descriptor, BUNDLE_MAX + 1, 0)
    except OSError:
        raise _UnfitError("unreadable") from None
