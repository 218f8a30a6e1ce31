from __future__ import annotations

import getpass
import shutil
import stat
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import NameOID

from device import config
from device.credentials.kd1 import issuer_key_id, read
from device.domain import Credential, Direction, Proof
from device.errors import UsageError
from device.events.pseudonyms import from_json
from device.settings import Broker, PinFactory, Site, SourceKind
from provisioning.authority import certificates, init, keys, passes
from provisioning.authority.init import Layout, Request, lay_out
from provisioning.broker import description
from provisioning.operations import settings as recorder_settings
from provisioning.operations.settings import Identity

NOW = datetime(2026, 11, 1, 18, 0, tzinfo=UTC)  # the second of November in Viet Nam
ROOT = Path(__file__).parents[3]


def made(out: Path, gate: str = "g-a", **changes: Any) -> Layout:
    given: dict[str, Any] = {"out": out, "province": "p-999", "site": "s-999", "gate": gate}
    return lay_out(Request(**(given | changes)), now=NOW)


def names(certificate: Path) -> tuple[str | bytes, str | bytes]:
    """Common names of who it is and who signed it."""
    parsed = certificates.read_certificate(certificate)
    subject, issuer = (name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for name in (parsed.subject, parsed.issuer))
    return subject, issuer


def test_the_gate_accepts_its_settings(tmp_path: Path) -> None:
    layout = made(tmp_path, broker_hosts=("mqtt.example.vn", "10.9.9.9"), broker_port=18883, zone="hall", direction=Direction.BOTH)
    settings = config.load(layout.gate)
    tls = layout.gate / "tls"
    assert settings.site == Site(province="p-999", site="s-999", gate="g-a", zone="hall", direction=Direction.BOTH)
    assert settings.broker == Broker(
        host="mqtt.example.vn", port=18883, ca_file=tls / "ca.crt", certificate_file=tls / "gate.crt", key_file=tls / "gate.key"
    )
    assert settings.recorder.public_key == keys.raw_public(keys.read_signing_key(layout.recorder / "confirmation.key")).hex()
    assert settings.bundles.public_key == keys.raw_public(keys.read_signing_key(layout.authority / "bundle.key")).hex()
    held = from_json(settings.pseudonyms.key_file.read_bytes())
    assert (held.site, held.in_use.day, len(held.ahead)) == ("s-999", date(2026, 11, 2), 60)


def test_the_gate_trusts_the_passes_of_its_office(tmp_path: Path) -> None:
    layout = made(tmp_path)
    issuer = keys.read_signing_key(layout.authority / "pass-issuer.key")
    assert config.load(layout.gate).issuers == {issuer_key_id(keys.raw_public(issuer)).hex(): keys.raw_public(issuer).hex()}
    credential = read(passes.issue(issuer, passes.Terms()).encode(), {bytes.fromhex(layout.issuer_key_id): issuer.public_key()})
    assert isinstance(credential, Credential)
    assert credential.proof is Proof.PROVEN


def test_every_identity_has_the_name_that_the_broker_knows(tmp_path: Path) -> None:
    layout = made(tmp_path, broker_hosts=("mqtt.example.vn",))
    root = "qrgate root p-999"
    assert names(layout.authority / "ca.crt") == (root, root)
    assert names(layout.gate / "tls" / "gate.crt") == ("g-a", root)
    assert names(layout.recorder / "tls" / "recorder.crt") == ("recorder.p-999", root)
    assert names(layout.watcher / "watcher.crt") == ("watcher.p-999", root)
    assert names(layout.broker / "server.crt") == ("mqtt.example.vn", root)


def test_the_recorder_accepts_its_settings(tmp_path: Path) -> None:
    layout = made(tmp_path)
    settings = recorder_settings.load(layout.recorder / "recorder.toml")
    assert settings.identity == Identity(province="p-999", id="recorder.p-999")
    assert settings.storage.file == layout.recorder / "events.sqlite"


def test_every_key_is_its_owners_only_and_so_is_every_folder(tmp_path: Path) -> None:
    made(tmp_path / "out")
    for each in (tmp_path / "out").rglob("*"):
        if each.is_dir() or each.suffix == ".key" or each.name in {"pseudonym.json", "s-999.master.json"}:
            assert (each, stat.S_IMODE(each.stat().st_mode) & 0o077) == (each, 0)


def test_the_second_gate_of_a_site_shares_all_but_its_own_key(tmp_path: Path) -> None:
    first = made(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "gates" not in path.parts}
    second = made(tmp_path, "g-b")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "gates" not in path.parts} == before
    shared = ("pseudonym.json", "tls/ca.crt", "gate.toml")
    assert [(second.gate / name).read_bytes() for name in shared] == [(first.gate / name).read_bytes() for name in shared]
    assert (second.gate / "tls" / "gate.key").read_bytes() != (first.gate / "tls" / "gate.key").read_bytes()


def test_a_gate_that_is_there_is_not_overwritten_but_by_force(tmp_path: Path) -> None:
    layout = made(tmp_path)
    before = (layout.gate / "tls" / "gate.key").read_bytes()
    with pytest.raises(UsageError) as caught:
        made(tmp_path)
    assert caught.value.what == f"gate 'g-a' is there already: {layout.gate}"
    assert (layout.gate / "tls" / "gate.key").read_bytes() == before
    made(tmp_path, force=True)
    assert (layout.gate / "tls" / "gate.key").read_bytes() != before
    assert [each.name for each in layout.gate.parent.iterdir()] == ["g-a"]


def test_renewed_a_gate_has_a_new_key_and_certificate_and_all_else_as_it_was(tmp_path: Path) -> None:
    layout = made(tmp_path, options=("relay.pin=18",))
    before = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    later = datetime(2027, 11, 1, tzinfo=UTC)
    assert init.renew(Request(out=tmp_path, province="p-999", site="s-999", gate="g-a"), now=later) == layout
    after = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    changed = {str(path) for path, content in after.items() if before.get(path) != content}
    assert (changed, set(before) - set(after)) == ({"gates/g-a/tls/gate.crt", "gates/g-a/tls/gate.key"}, set())
    certificate = certificates.read_certificate(layout.gate / "tls" / "gate.crt")
    assert (names(layout.gate / "tls" / "gate.crt"), certificate.not_valid_after_utc) == (("g-a", "qrgate root p-999"), later + timedelta(days=395))


def test_a_gate_that_is_not_there_is_not_renewed(tmp_path: Path) -> None:
    made(tmp_path)
    with pytest.raises(UsageError) as caught:
        init.renew(Request(out=tmp_path, province="p-999", site="s-999", gate="g-b"), now=NOW)
    assert caught.value.what == f"there is no gate 'g-b' to renew: {tmp_path}/gates/g-b"


def test_new_keys_are_handed_to_the_gates_that_are_there_each_with_its_site_s(tmp_path: Path) -> None:
    layouts = [made(tmp_path), made(tmp_path, "g-b"), made(tmp_path, "g-c", site="s-998")]
    handed = init.hand_keys(tmp_path, (), days_ahead=90, now=NOW + timedelta(days=30))
    assert {gate: (held.site, held.in_use.day, held.last_day) for gate, held in handed.items()} == {
        gate: (site, date(2026, 12, 2), date(2027, 3, 2)) for gate, site in (("g-a", "s-999"), ("g-b", "s-999"), ("g-c", "s-998"))
    }
    assert [from_json((each.gate / "pseudonym.json").read_bytes()) for each in layouts] == list(handed.values())
    assert (handed["g-a"] == handed["g-b"], handed["g-a"].in_use == handed["g-c"].in_use) == (True, False)


def test_new_keys_go_on_where_the_first_ones_are(tmp_path: Path) -> None:
    first = from_json((made(tmp_path).gate / "pseudonym.json").read_bytes())
    later = init.hand_keys(tmp_path, ("g-a",), now=NOW + timedelta(days=30))["g-a"]
    assert first.ahead[29:] == (later.in_use, *later.ahead[:30])


@pytest.mark.parametrize(("gates", "what"), [((), "there are no gates in "), (("g-b",), "there is no gate 'g-b': ")])
def test_keys_for_a_gate_that_is_not_there_are_refused(tmp_path: Path, gates: tuple[str, ...], what: str) -> None:
    layout = made(tmp_path)
    shutil.rmtree(layout.gate)
    with pytest.raises(UsageError) as caught:
        init.hand_keys(tmp_path, gates, now=NOW)
    assert caught.value.what.startswith(what)


def test_a_broker_on_this_machine_lies_where_it_was_made(tmp_path: Path) -> None:
    broker = description.load(made(tmp_path, broker_hosts=("127.0.0.1", "localhost", "::1")).authority / "broker.toml").broker
    assert (broker.folder, broker.user, broker.listen) == (tmp_path / "broker", getpass.getuser(), "")


def test_a_broker_on_a_machine_of_its_own_lies_where_mosquitto_may_read_it(tmp_path: Path) -> None:
    layout = made(tmp_path, broker_hosts=("mqtt.example.vn",))
    broker = description.load(layout.authority / "broker.toml").broker
    assert (broker.folder, broker.user, broker.listen) == (Path("/etc/mosquitto/qrgate"), "mosquitto", "0.0.0.0")  # noqa: S104
    assert str(tmp_path) not in (layout.broker / "mosquitto.conf").read_text(encoding="utf-8")


def test_a_recorder_that_left_for_its_own_machine_keeps_its_key(tmp_path: Path) -> None:
    first = made(tmp_path)
    (tmp_path / "recorder").rename(tmp_path / "far-away")
    second = made(tmp_path, "g-b")
    assert config.load(second.gate).recorder == config.load(first.gate).recorder
    assert not (tmp_path / "recorder").exists()


def test_options_change_any_key_and_an_empty_one_takes_it_out(tmp_path: Path) -> None:
    options = ("reader.source=recording", "reader.path=/r", "pins.factory=mock", "relay.kind=lcus", "relay.port=/dev/pts/9", "relay.pin=")
    settings = config.load(made(tmp_path, options=options).gate)
    assert (settings.reader.source, settings.reader.path, settings.pins.factory) == (SourceKind.RECORDING, "/r", PinFactory.MOCK)
    assert (settings.relay.port, settings.relay.pin) == ("/dev/pts/9", None)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"options": ("relay.pin=3",)}, "relay.pin 3 belongs to I2C, where the battery clock is"),
        (
            {"options": ("reader.source=camera",)},
            "recording, scanner, found 'camera'",
        ),
        ({"options": ("relay.pin=22",)}, "lamps.green_pin 22 is also relay.pin"),
        ({"options": ("site.gate=g-b",)}, "--set site.gate contradicts --gate g-a"),
        ({"days_ahead": 400}, "400 days ahead are no number for this"),
        ({"gate": "G+1"}, "--gate 'G+1' is no id"),
        ({"gate": "recorder.p-999"}, "--gate 'recorder.p-999' is no id"),
        ({"province": "p/9"}, "--province 'p/9' is no id"),
        ({"broker_hosts": ("mqtt.example.vn",), "broker_user": "a b"}, "broker.user: 'a b' does not have the form"),
        ({"options": ("relay.pin=3", "relay.channel=0")}, "relay.channel: expected 1 to 32, found 0"),
        ({"broker_hosts": ("mqtt example",)}, "broker.host: 'mqtt example' does not have the form"),
    ],
)
def test_a_wrong_request_is_told_and_nothing_is_written(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(tmp_path / "out", **changes)
    assert part in caught.value.what
    assert str(tmp_path) not in caught.value.what
    assert not (tmp_path / "out").exists()


def test_another_broker_than_the_provinces_is_refused(tmp_path: Path) -> None:
    made(tmp_path, broker_port=18883)
    with pytest.raises(UsageError) as caught:
        made(tmp_path, "g-b", broker_port=18884)
    assert caught.value.what == f"this province's broker is 127.0.0.1 port 18883, in {tmp_path}/broker of user {getpass.getuser()}"
    assert not (tmp_path / "gates" / "g-b").exists()


def test_the_reference_gate_is_that_of_the_wiring_page_and_the_units() -> None:
    board = tomllib.loads((ROOT / "hardware/boards/rpi4-relay-hat.toml").read_text(encoding="utf-8"))
    units = tomllib.loads((ROOT / "systemd/gate.toml").read_text(encoding="utf-8"))
    there = {(table, key): value for file in (board, units) for table, content in file.items() for key, value in content.items()}
    ours = {(table, key): value for table, content in init.REFERENCE_GATE.items() for key, value in content.items()}
    assert {place: there.get(place) for place in ours} == ours
