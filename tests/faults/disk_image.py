"""A disk of one's own: ext4 on a loop device, in a mount namespace of this process, so that it is gone with it however it ends (root)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
import time
from pathlib import Path

from tests.bench.stalled_disk import FIFREEZE

CLONE_NEWNS = 0x20000  # linux/sched.h
MS_REC_PRIVATE = 0x4000 | 0x40000  # linux/mount.h
BLKFLSBUF = 0x1261  # linux/fs.h
EXT4_IOC_SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587D, 2  # fs/ext4/ext4.h

_libc = ctypes.CDLL(None, use_errno=True)


class NoDiskError(Exception):
    """There can be none here; says why."""


def leave_the_others() -> None:
    """From now on what this process and its children mount is theirs alone. Raises NoDiskError."""
    if os.geteuid() != 0:
        raise NoDiskError("only root mounts")
    try:
        _must(_libc.unshare(CLONE_NEWNS))
        _must(_libc.mount(None, b"/", None, ctypes.c_ulong(MS_REC_PRIVATE), None))
    except OSError as error:
        raise NoDiskError(f"no mount namespace: {error.strerror}") from None


def _must(answer: int) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Image:
    """``mounted`` is where it is mounted. Call ``leave_the_others`` before. Raises NoDiskError where the machine gives no loop device."""

    def __init__(self, folder: Path, *, size_mib: int, options: tuple[str, ...] = ()) -> None:
        self.mounted = folder / "disk"
        self.mounted.mkdir()
        image = folder / "disk.img"
        try:
            with image.open("wb") as file:
                file.truncate(size_mib * 2**20)
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", *options, str(image)], check=True, capture_output=True)
            looped = subprocess.run(["losetup", "--find", "--show", str(image)], check=True, capture_output=True, text=True)
            self.device = Path(looped.stdout.strip())
            self._held = os.open(self.device, os.O_RDWR | os.O_CLOEXEC)
            # It is busy, so that this takes effect when the last who holds it is gone, however that comes about.
            subprocess.run(["losetup", "--detach", str(self.device)], check=True)
            self.mount()
        except FileNotFoundError as error:
            raise NoDiskError(f"there is no {error.filename}") from None
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoDiskError(f"no loop device: {getattr(error, 'stderr', '') or error}") from None

    def mount(self) -> None:
        _must(_libc.mount(bytes(self.device), bytes(self.mounted), b"ext4", ctypes.c_ulong(0), None))

    def unmount(self, *, within_s: float = 10) -> None:
        """As soon as nobody uses it: a process that was killed may still be on its way out."""
        give_up_s = time.monotonic() + within_s
        while True:
            try:
                _must(_libc.umount2(bytes(self.mounted), 0))
            except OSError:
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.005)  # who uses it cannot be awaited
            else:
                # This process holds the device, so that the kernel keeps its pages, those too of what was never committed: mounted again
                # over them, a file system finds its maps at odds with their checksums (seen in 1 of 100 cuts).
                fcntl.ioctl(self._held, BLKFLSBUF, 0)
                return

    def cut(self) -> None:
        """The power goes: what was not synced is gone, and whoever uses the disk from now on has an error."""
        self._order(EXT4_IOC_SHUTDOWN, WITHOUT_LOG_FLUSH.to_bytes(4, "little"))

    def freeze(self, time_s: float) -> subprocess.Popen[bytes]:
        """Whoever writes sleeps for so long. The process that thaws it, to be waited for: it does so also where this one has died meanwhile."""
        thawing = ["sh", "-c", 'sleep "$1"; exec fsfreeze --unfreeze "$2"', "sh", str(time_s), str(self.mounted)]
        process = subprocess.Popen(thawing, start_new_session=True)
        self._order(FIFREEZE, 0)
        return process

    def break_down(self) -> None:
        """The kernel finds the file system damaged and makes it read-only, as it does when a card loses what it held."""
        Path(f"/sys/fs/ext4/{self.device.name}/trigger_fs_error").write_text("1", encoding="ascii")

    def close(self) -> None:
        _libc.umount2(bytes(self.mounted), 2)  # MNT_DETACH: whoever still uses it is about to end
        os.close(self._held)

    def _order(self, request: int, argument: bytes | int) -> None:
        folder = os.open(self.mounted, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(folder, request, argument)
        finally:
            os.close(folder)
