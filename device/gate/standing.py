"""What is in force at this gate, read from its folder by somebody else than the gate: for `qrgate doctor` and `qrgate explain`.

The signature of everything is proven as the gate proves it. Nothing is written, whatever is found.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.admission import list_file
from device.admission.list_file import ListError, Manifest
from device.admission.lists import ListKind
from device.admission.policy import Policy
from device.bundles.envelope import BUNDLE_MAX, Bundle, Kind, Refused, read_bundle
from device.credentials.trust import Trust
from device.errors import StoreError, VerificationError
from device.gate.list_key import LIST_KEY
from device.gate.list_shelf import NAME
from device.gate.province import readers
from device.settings import Settings


class Standing:
    """Every method raises StoreError where the gate's folder may not be read, VerificationError where a file is damaged."""

    def __init__(self, settings: Settings) -> None:
        """``settings`` must name the office's public key."""
        self._settings = settings
        self._state = settings.paths.state
        self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(settings.bundles.public_key))

    def bundle(self, kind: Kind) -> Bundle | None:
        """The bundle in force; ``None`` where there never was one."""
        path = self._state / "bundles" / f"{kind}.bundle"
        data = _read(path, BUNDLE_MAX + 1)
        found = None if data is None else read_bundle(data, self._key)
        if isinstance(found, Refused):
            raise VerificationError(f"{path} is damaged: {found.why}", hint="hand the bundle over once more: sudo qrgate take")
        return found

    def policy(self) -> Policy | None:
        """By the gate's own reader. Raises SettingsError besides where it would not work by it."""
        bundle = self.bundle(Kind.POLICY)
        policy: Policy | None = None if bundle is None else readers(self._settings)[Kind.POLICY](bundle.content)
        return policy

    def trust(self) -> Trust | None:
        """By the gate's own reader."""
        bundle = self.bundle(Kind.TRUST)
        trust: Trust | None = None if bundle is None else readers(self._settings)[Kind.TRUST](bundle.content)
        return trust

    def lists(self) -> dict[ListKind, Manifest]:
        """The newest list of each kind that lies here whole, by its signed manifest; its records are the gate's to prove."""
        newest: dict[ListKind, Manifest] = {}
        try:
            names = [path.name for path in (self._state / "lists").iterdir()]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(self._state / "lists", error) from None
        for name in names:
            manifest = self._manifest(self._state / "lists" / name) if NAME.fullmatch(name) else None
            if manifest is not None and (manifest.kind not in newest or newest[manifest.kind].version < manifest.version):
                newest[manifest.kind] = manifest
        return newest

    def _manifest(self, path: Path) -> Manifest | None:
        begin = _read(path, list_file.HEAD_MAX)
        try:
            return None if begin is None else list_file.proven(list_file.read_head(begin).envelope, self._key)
        except ListError:
            return None  # as good as missing

    @property
    def has_list_key(self) -> bool:
        """In use, or handed over and not yet taken in."""
        try:
            return (self._state / LIST_KEY).exists() or (self._settings.folder / LIST_KEY).exists()
        except OSError as error:
            raise _unreadable(self._state, error) from None


def _read(path: Path, longest: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(longest)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be read: {error.strerror}", hint="only root and the gate's user may: sudo")
