"""``qrgate take``: hands bundles and lists over to the gate on this machine, each looked at first as the gate will look at it.

The gate judges again, by itself: a check here only tells the technician, who still stands there, what would be refused.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import clock, config
from device.admission import list_file
from device.admission.list_file import ListError
from device.admission.lists import key_id
from device.bundles.envelope import BUNDLE_MAX, Kind, Refusal, Refused, open_bundle, read_bundle
from device.domain import ClockTrust
from device.errors import EXIT_OK, QrgateError, SettingsError, StoreError, UsageError, VerificationError
from device.gate import inbox, province
from device.gate.list_key import LIST_KEY
from device.links import READER_SOCKET, listens
from device.settings import Settings

WORDS = {
    Refusal.NOT_A_BUNDLE: "it is neither a bundle nor a list",
    Refusal.FORGED: "the office whose key is in site.toml did not sign it, or it was changed on its way",
    Refusal.UNKNOWN_FORM: "it is of a form that this version does not know",
    Refusal.NOT_FOR_US: "it is for other sites or gates",
    Refusal.EXPIRED: "its time is over",
}


@dataclass(frozen=True, slots=True)
class Fit:
    """What a file holds. ``content`` is what is handed over."""

    kind: str
    version: int
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one file."""

    file: str
    handed_over: bool
    kind: str | None = None
    version: int | None = None
    why: str = ""
    hint: str = ""


def run(options: argparse.Namespace) -> int:
    """0 where every file was handed over, else the exit code of the first that was not. Raises SettingsError."""
    settings = config.load(options.settings)
    if not settings.bundles.public_key:
        raise SettingsError("site.toml names no key whose bundles this gate takes", hint="`qrgate-provision init` writes it: [bundles] public_key")
    told, code = [], EXIT_OK
    for path in options.files:
        try:
            fit = examine(path, settings)
            hand_over(fit, settings.paths.state / inbox.FOLDER)
            told.append(Told(str(path), handed_over=True, kind=fit.kind, version=fit.version))
        except QrgateError as error:
            told.append(Told(str(path), handed_over=False, why=error.what, hint=error.hint))
            code = code or error.exit_code
    _report(told, runs=listens(settings.paths.runtime / READER_SOCKET), as_json=options.json)
    return code


# --- looking ---------------------------------------------------------------------------------------------------


def examine(path: Path, settings: Settings) -> Fit:
    """What is in ``path``, if the gate would take it.

    Raises:
        UsageError: the file cannot be read.
        VerificationError: the gate would refuse it.
        SettingsError: a policy has mistakes: all of them.
    """
    try:
        with path.open("rb") as file:
            content = file.read(list_file.FILE_MAX + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="give files that `qrgate-provision` wrote") from None
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(settings.bundles.public_key))
    if content.startswith((list_file.WHOLE, list_file.CHANGES)):
        return _list(content, key, settings)
    return _bundle(content, key, settings)


def _bundle(content: bytes, key: Ed25519PublicKey, settings: Settings) -> Fit:
    now = clock.WallClock(settings.clock.source).now()
    passed_s = int(now.utc.timestamp()) if now.trust is ClockTrust.TRUSTED else 0
    bundle = open_bundle(content, key, place=province.place(settings), passed_s=passed_s)
    if isinstance(bundle, Refused):
        raise VerificationError(WORDS.get(bundle.why, str(bundle.why)), hint="`qrgate-provision bundle show` in the office tells what is in it")
    province.readers(settings)[bundle.kind](bundle.content)
    kept = _readable(settings.paths.state / "bundles" / f"{bundle.kind}.bundle", BUNDLE_MAX)
    if kept is not None and not isinstance(known := read_bundle(kept, key), Refused) and bundle.version.seq < known.version.seq:
        raise VerificationError(f"{bundle.kind} {bundle.version.seq} is older than {known.version.seq}, which is in force", hint="sign it anew")
    return Fit(bundle.kind, bundle.version.seq, f"{bundle.kind}-{bundle.version.seq}{inbox.BUNDLE}", content)


def _list(content: bytes, key: Ed25519PublicKey, settings: Settings) -> Fit:
    head = list_file.read_head(content[: list_file.HEAD_MAX])
    manifest = list_file.proven(head.envelope, key)
    if head.whole:
        list_file.prove_body(manifest, content[head.body_at :])
    if not manifest.is_for(settings.site.province, settings.site.site):
        raise ListError(list_file.Unfit.FOR_OTHERS, WORDS[Refusal.NOT_FOR_US])
    state = settings.paths.state
    with suppress(ValueError):
        own = _readable(state / LIST_KEY, 200) or _readable(settings.folder / LIST_KEY, 200)
        if own is not None and key_id(bytes.fromhex(own.decode().strip())) != manifest.key_id:
            raise ListError(list_file.Unfit.OTHER_KEY, "its names are hidden by another list key", hint="give this gate the province's list key")
    floor = _readable(state / "lists" / f"{manifest.kind}.floor", 32)
    if floor is not None and floor.strip().isdigit() and manifest.version <= int(floor):
        raise ListError(
            list_file.Unfit.NOT_NEWER, f"{manifest.kind} {manifest.version} is not newer than {int(floor)}, which was in force", hint="build it anew"
        )
    return Fit(manifest.kind, manifest.version, f"{manifest.kind}-{manifest.version}{inbox.LIST}", content)


def _readable(path: Path, longest: int) -> bytes | None:
    """What the gate keeps, where whoever asks may see it."""
    try:
        with path.open("rb") as file:
            return file.read(longest)
    except OSError:
        return None


# --- handing over ----------------------------------------------------------------------------------------------


def hand_over(fit: Fit, folder: Path) -> None:
    """Put ``fit`` into the inbox, whole or not at all, as a file of the gate's user.

    The folder belongs to that user and not to root, so nothing is reached through its name twice, and no link is followed.

    Raises:
        StoreError: it cannot be written there.
    """
    try:
        inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{folder} cannot be entered: {error.strerror}", hint=_hint(error)) from None
    beside = f".{secrets.token_hex(8)}"
    try:
        _write(beside, inside, fit.content)
        os.rename(beside, fit.name, src_dir_fd=inside, dst_dir_fd=inside)
        os.fsync(inside)
    except OSError as error:
        with suppress(OSError):
            os.unlink(beside, dir_fd=inside)
        raise StoreError(f"{folder / fit.name} cannot be written: {error.strerror}", hint=_hint(error)) from None
    finally:
        os.close(inside)


def _write(name: str, inside: int, content: bytes) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=inside)
    with os.fdopen(descriptor, "wb") as file:
        if os.geteuid() == 0:
            owner = os.fstat(inside)
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _hint(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "the gate makes it at its first start; is paths.state right?"
        case PermissionError():
            return "run it as root: sudo qrgate take …"
        case _:
            return "is the disk full or read-only? `df` and `qrgate doctor` tell"


# --- report ----------------------------------------------------------------------------------------------------


def _report(told: Sequence[Told], *, runs: bool, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"gate_runs": runs, "files": [asdict(each) for each in told]}, ensure_ascii=False, indent=2) + "\n")
        return
    for each in told:
        if each.handed_over:
            sys.stdout.write(f"{each.file}: {each.kind} {each.version} is handed over\n")
        else:
            sys.stdout.write(f"{each.file}: not handed over: {each.why}\n" + (f"  → {each.hint}\n" if each.hint else ""))
    if any(each.handed_over for each in told):
        when = "takes them within seconds" if runs else "does not run, and takes them when it starts"
        sys.stdout.write(f"the gate {when}; its log and its next events tell what became of each: journalctl -u qrgate-gate\n")
    if any(each.kind == Kind.KEYS for each in told):
        sys.stdout.write("keys of days are secret: delete the file that you brought\n")
