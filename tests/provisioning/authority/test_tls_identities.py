from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.errors import UsageError
from provisioning import files
from provisioning.authority import certificates, init, office, tls_identities
from provisioning.authority.certificates import LEAF_DAYS
from provisioning.authority.init import Request
from provisioning.authority.office import Office
from provisioning.authority.tls_identities import Found, State
from provisioning.commanding import folder as command_folder

NOW = datetime(2026, 11, 1, tzinfo=UTC)
END = NOW + timedelta(days=LEAF_DAYS)


@pytest.fixture
def chief(tmp_path: Path) -> Office:
    """A province with two gates and somebody who orders."""
    for gate in ("g-a", "g-b"):
        init.lay_out(Request(out=tmp_path, province="p-999", site="s-999", gate=gate), now=NOW)
    command_folder.lay_out(tmp_path, "op-1", now=NOW)
    return office.open_office(tmp_path / "authority")


def states(chief: Office, out: Path, now: datetime = NOW) -> dict[str, State]:
    return {each.identity.who: each.state for each in tls_identities.survey(chief, out, now=now)}


def fault(chief: Office, out: Path, who: str) -> str:
    (found,) = [each for each in tls_identities.survey(chief, out, now=NOW) if each.identity.who == who]
    assert found.state is State.DAMAGED
    return found.fault


def watch_too(chief: Office, *names: str) -> None:
    text = chief.broker_description.read_text(encoding="utf-8")
    chief.broker_description.write_text(text.replace("#watchers = []", f"watchers = {list(names)}"), encoding="utf-8")


def test_every_identity_of_the_province_is_found_with_its_end(chief: Office, tmp_path: Path) -> None:
    found = tls_identities.survey(chief, tmp_path, now=NOW)
    assert [(each.identity.who, each.identity.name, each.ends) for each in found] == [
        ("authority", "", NOW + timedelta(days=3650)),
        ("broker", "", END),
        ("recorder", "recorder.p-999", END),
        ("watcher", "watcher.p-999", END),
        ("gates/g-a", "g-a", END),
        ("gates/g-b", "g-b", END),
        ("commands/op-1", "command.op-1", END),
    ]
    assert {each.state for each in found} == {State.GOOD}


def test_thirty_days_before_its_end_one_is_due_and_the_authority_before_it_outlives_nothing(chief: Office, tmp_path: Path) -> None:
    tls_identities.renew(chief, tmp_path, ("recorder",), now=NOW + timedelta(days=9))
    late = states(chief, tmp_path, END - timedelta(days=29))
    assert (late["gates/g-a"], late["recorder"], late["authority"]) == (State.DUE, State.GOOD, State.GOOD)
    assert states(chief, tmp_path, END)["gates/g-a"] is State.OVER
    assert states(chief, tmp_path, NOW + timedelta(days=3650 - LEAF_DAYS + 1))["authority"] is State.DUE


def test_what_opens_no_connection_is_damaged(chief: Office, tmp_path: Path) -> None:
    recorder, watcher, gate = (
        tmp_path / "recorder" / "tls" / "recorder",
        tmp_path / "watcher" / "watcher",
        tmp_path / "gates" / "g-a" / "tls" / "gate",
    )
    files.write(recorder.with_suffix(".key"), watcher.with_suffix(".key").read_bytes())
    assert fault(chief, tmp_path, "recorder") == f"{recorder}.crt does not belong to the key beside it"
    files.write(watcher.with_suffix(".crt"), gate.with_suffix(".crt").read_bytes())
    assert fault(chief, tmp_path, "watcher") == f"{watcher}.crt is not that of watcher.p-999"
    files.write(gate.with_suffix(".crt"), b"torn")
    assert fault(chief, tmp_path, "gates/g-a") == f"{gate}.crt is no certificate, or a damaged one"
    other = tmp_path / "other"
    init.lay_out(Request(out=other, province="p-999", site="s-999", gate="g-b"), now=NOW)
    mine = tmp_path / "gates" / "g-b" / "tls" / "gate.crt"
    files.write(mine, (other / "gates" / "g-b" / "tls" / "gate.crt").read_bytes())
    assert fault(chief, tmp_path, "gates/g-b") == f"{mine} was signed by another authority"


def test_renewed_one_has_a_new_key_and_certificate_and_all_else_stays(chief: Office, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    later = NOW + timedelta(days=380)
    whos = ("recorder", "watcher", "gates/g-b", "commands/op-1", "watcher")
    assert [each.who for each in tls_identities.renew(chief, tmp_path, whos, now=later)] == list(whos[:4])
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    pairs = ("recorder/tls/recorder", "watcher/watcher", "gates/g-b/tls/gate", "commands/op-1/tls/command")
    assert {path for path in after if after[path] != before.get(path)} == {tmp_path / f"{pair}.{end}" for pair in pairs for end in ("crt", "key")}
    ends = [certificates.read_certificate(tmp_path / f"{pair}.crt").not_valid_after_utc for pair in pairs]
    assert ends == [later + timedelta(days=LEAF_DAYS)] * 4
    assert set(states(chief, tmp_path, later).values()) == {State.GOOD, State.DUE}  # the broker's and that of g-a


def test_a_recorder_whose_folder_has_left_is_absent_and_is_renewed_all_the_same(chief: Office, tmp_path: Path) -> None:
    (tmp_path / "recorder").rename(tmp_path / "elsewhere")
    assert states(chief, tmp_path)["recorder"] is State.ABSENT
    tls_identities.renew(chief, tmp_path, ("recorder",), now=NOW)
    assert sorted(path.name for path in (tmp_path / "recorder").rglob("*")) == ["ca.crt", "recorder.crt", "recorder.key", "tls"]


def test_whoever_else_watches_gets_a_first_certificate(chief: Office, tmp_path: Path) -> None:
    watch_too(chief, "watcher.p-999", "watcher.noc-2")
    (found,) = [each for each in tls_identities.survey(chief, tmp_path, now=NOW) if each.state is not State.GOOD]
    assert (found.identity.who, found.state) == ("watchers/noc-2", State.ABSENT)
    (made,) = tls_identities.renew(chief, tmp_path, ("watchers/noc-2",), now=NOW)
    assert made.file == tmp_path / "watchers" / "noc-2" / "watcher.crt"
    assert Found(made, State.GOOD, END) in tls_identities.survey(chief, tmp_path, now=NOW)


@pytest.mark.parametrize("who", ["gates/g-x", "broker", "authority", "watchers/noc-2", "../other", "gates/../gates/g-a", ""])
def test_somebody_who_is_not_there_is_told_before_anything_is_made(chief: Office, tmp_path: Path, who: str) -> None:
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError):
        tls_identities.renew(chief, tmp_path, ("recorder", who), now=NOW)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
