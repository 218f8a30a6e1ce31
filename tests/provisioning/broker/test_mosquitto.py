from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.domain import EventType
from device.errors import UsageError
from device.events.topics import ROOT, Topics
from provisioning import steps
from provisioning.authority import init, office
from provisioning.authority.init import Request
from provisioning.broker import description, mosquitto
from provisioning.broker.description import Clients, Size
from tests.provisioning.broker.described import described
from tests.provisioning.live import MOSQUITTO, PROVINCE, SITE, WITHIN_S, Broker, decisions, free_port, provision

REFUSED = "Not authorized"
A, B = Topics(PROVINCE, SITE, "g-a"), Topics(PROVINCE, SITE, "g-b")


# --- the text --------------------------------------------------------------------------------------------------


def test_the_configuration_has_one_listener_that_nobody_passes_without_a_certificate() -> None:
    lines = mosquitto.configuration(described(port=18883)).splitlines()
    assert [line for line in lines if line.startswith("listener")] == ["listener 18883 127.0.0.1"]
    demanded = {"allow_anonymous false", "require_certificate true", "use_identity_as_username true", "tls_version tlsv1.2", "acl_file /b/acl"}
    assert demanded <= set(lines)


def test_the_listener_is_bound_to_another_address_where_the_host_is_not_its_own() -> None:
    assert "listener 8883 10.9.9.9\n" in mosquitto.configuration(described(host="mqtt.example.vn", listen="10.9.9.9"))


def test_a_folder_that_would_begin_a_new_line_is_refused() -> None:
    with pytest.raises(UsageError, match="holds a line end"):
        mosquitto.configuration(described(folder=Path("/b\nallow_anonymous true")))


def test_the_queue_is_as_long_as_the_size_says() -> None:
    lines = set(mosquitto.configuration(described(size=Size(gates=2000, events_a_day=1000, away_days=0.5, memory_mib=2048))).splitlines())
    assert {"max_queued_messages 1000000", "max_queued_bytes 2147483648", "autosave_interval 10000", "max_connections 4100"} <= lines


def test_the_access_list_names_the_rights_of_each() -> None:
    clients = Clients(province="p-999", watchers=("watcher.a", "watcher.b"), commands=("command.a",), discovery_prefix="homeassistant")
    parts = mosquitto.access_list(described(clients=clients)).split("\n\n")
    assert [part.splitlines()[0] for part in parts[1:]] == ["user recorder.p-999", "user watcher.a", "user watcher.b", "user command.a"]
    assert "pattern write homeassistant/device/%u/config" in parts[0].splitlines()
    assert parts[4].split("\n")[1:4] == [
        "topic write qg/v1/p-999/+/+/cmd/+",
        "topic read qg/v1/p-999/+/+/reply/+",
        "topic read qg/v1/p-999/+/+/state",
    ]
    assert "topic read homeassistant/device/+/config" in parts[2].splitlines()


# --- the real mosquitto: who may do what -----------------------------------------------------------------------


def test_a_gate_speaks_for_itself_only(broker: Broker) -> None:
    gate = broker.gate("g-a")
    prefix = f"qg/v1/{PROVINCE}/{SITE}/g-a"
    own = [A.event(kind) for kind in EventType] + [f"{prefix}/{name}" for name in ("state", "health", "reply/1f", "request/time")]
    foreign = [B.event(EventType.DECISION), B.state, B.health, B.confirmation, B.command("open"), B.said("reply/1f"), "qg/v1", "else"]
    foreign += [f"{prefix}/event/decision/deeper", "homeassistant/device/g-a/config"]
    answers = {topic: gate.publish(topic, b"{}") for topic in [*own, *foreign, A.confirmation, A.note, A.command("open")]}
    gate.close()
    assert {topic for topic, answer in answers.items() if answer != REFUSED} == set(own)


def test_a_gate_hears_only_what_is_meant_for_it(broker: Broker) -> None:
    gate, other, recorder, watcher = broker.gate("g-a"), broker.gate("g-b"), broker.recorder(), broker.watcher()
    watcher.subscribe(B.event(EventType.DECISION))
    for topic in ("qg/v1/#", "qg/v1/+/+/+/ack", "qg/v1/+/+/g-b/#", "#"):
        gate.subscribe(topic)
    other.publish(decisions("g-b"), b"of b")
    assert watcher.wait(1) == [(decisions("g-b"), b"of b")]  # the broker has handed it out
    recorder.publish(B.confirmation, b"for b")
    recorder.publish(A.confirmation, b"for a")
    gate.until(lambda: (A.confirmation, b"for a") in gate.messages)
    assert set(gate.messages) == {(A.confirmation, b"for a")}
    for each in (gate, other, recorder, watcher):
        each.close()


def test_the_recorder_confirms_and_speaks_for_no_gate(broker: Broker) -> None:
    recorder = broker.recorder()
    own = [A.confirmation, A.note, A.command("challenge"), A.command("replay"), A.command("time")]
    others = [decisions("g-a"), A.state, A.health, A.command("open"), A.command("mode"), A.said("reply/1f"), "qg/v1/p-998/s/g/ack"]
    answers = {topic: recorder.publish(topic, b"{}") for topic in [*own, *others]}
    recorder.close()
    assert {topic for topic, answer in answers.items() if answer != REFUSED} == set(own)


def test_the_watcher_sees_events_and_writes_nothing(broker: Broker) -> None:
    gate, watcher = broker.gate("g-a"), broker.watcher()
    watcher.subscribe("qg/v1/+/+/+/event/+")
    gate.publish(decisions("g-a"), b"seen")
    assert watcher.wait(1) == [(decisions("g-a"), b"seen")]
    assert {watcher.publish(topic, b"{}") for topic in (decisions("g-a"), A.confirmation, A.state, A.health)} == {REFUSED}
    for each in (gate, watcher):
        each.close()


def test_recorder_and_watcher_learn_how_a_gate_is_and_other_gates_do_not(broker: Broker) -> None:
    gate, other, recorder, watcher = broker.gate("g-a"), broker.gate("g-b"), broker.recorder(), broker.watcher()
    gate.publish(A.health, b'{"health":"ok"}', retain=True)
    for each in (other, recorder, watcher):
        each.subscribe(f"{ROOT}/+/+/+/health")
    assert [each.wait(1) for each in (recorder, watcher)] == [[(A.health, b'{"health":"ok"}')]] * 2
    other.subscribe(B.confirmation)
    recorder.publish(B.confirmation, b"for b")
    assert set(other.wait(1)) == {(B.confirmation, b"for b")}  # what it may hear comes, and nothing before it
    for each in (gate, other, recorder, watcher):
        each.close()


def test_retained_state_survives_an_orderly_restart(broker: Broker) -> None:
    gate = broker.gate("g-b")
    gate.publish(B.state, b'{"state":"ready"}', retain=True)
    gate.close()
    broker.restart(kill=False)
    watcher = broker.watcher()
    watcher.subscribe(B.state)
    assert watcher.wait(1) == [(B.state, b'{"state":"ready"}')]
    watcher.close()


# --- on a machine of its own -----------------------------------------------------------------------------------


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_copied_to_its_place_by_the_commands_that_are_printed_it_starts(tmp_path: Path) -> None:
    """As root with mosquitto's own user, as on the broker's machine; without, as the user who runs the tests."""
    known = {each.pw_name for each in pwd.getpwall()}
    user = "mosquitto" if os.geteuid() == 0 and "mosquitto" in known else getpass.getuser()
    with tempfile.TemporaryDirectory() as name:
        machine = Path(name)
        machine.chmod(0o711)  # tmp_path lets nobody else through
        place, port = machine / "etc" / "mosquitto" / "qrgate", free_port()
        request = Request(
            out=tmp_path / "office",
            province=PROVINCE,
            site=SITE,
            gate="g-a",
            broker_hosts=("mqtt.example.vn", "127.0.0.1"),
            broker_port=port,
            broker_folder=place,
            broker_user=user,
            broker_listen="127.0.0.1",
        )
        layout = init.lay_out(request, now=datetime.now(UTC))
        shutil.copytree(layout.broker, machine / "broker")
        copy = steps.for_broker(description.load(layout.authority / "broker.toml").broker, layout.broker)[1].replace("sudo ", "")
        subprocess.run(["/bin/sh", "-c", copy], cwd=machine, check=True, timeout=WITHIN_S)
        shutil.rmtree(machine / "broker")
        live = Broker(replace(layout, broker=place), port)
        gate = live.gate("g-a")
        assert gate.publish(decisions("g-a"), b"{}") != REFUSED
        gate.close()
        live.stop()
        assert (place / "data" / "mosquitto.db").exists()  # it may write what it keeps


# --- written again ---------------------------------------------------------------------------------------------


def test_written_again_it_follows_its_description(tmp_path: Path) -> None:
    layout = provision(tmp_path, port=free_port())
    chief = office.open_office(layout.authority)
    text = chief.broker_description.read_text()
    chief.broker_description.write_text(
        text.replace('host = "127.0.0.1"', 'host = "mqtt.example.vn"').replace("more_hosts = []", 'more_hosts = ["10.9.9.9"]')
    )
    before = (layout.broker / "server.crt").read_bytes()
    again = init.write_broker(chief, layout.broker, now=datetime.now(UTC))
    assert again.hosts == ("mqtt.example.vn", "10.9.9.9")
    assert f"listener {again.port} mqtt.example.vn" in (layout.broker / "mosquitto.conf").read_text()
    assert (layout.broker / "server.crt").read_bytes() != before
