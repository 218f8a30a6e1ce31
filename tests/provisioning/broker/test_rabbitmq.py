from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from device.domain import EventType
from device.errors import UsageError
from device.events.topics import EVENTS_OF_ALL, ROOT, STATES_OF_ALL, TIME_REQUESTS_OF_ALL, Topics
from provisioning.broker import rabbitmq
from provisioning.broker.description import Clients, Description, Size
from tests.provisioning.broker.described import PROVINCE, described

A, B = Topics(PROVINCE, "s-999", "g-a"), Topics(PROVINCE, "s-999", "g-b")
GATES = Clients(gates=("g-a", "g-b"), commands=("command.a",), discovery_prefix="homeassistant")


def may(user: str, how: str, *topics: str, of: Description | None = None) -> set[str]:
    """Those of ``topics`` that RabbitMQ lets ``user`` ``write`` or ``read``: it puts its name in, and looks for the routing key."""
    (granted,) = (each for each in rabbitmq.definitions(of or described(clients=GATES))["topic_permissions"] if each["user"] == user)
    pattern = granted[how].replace("{username}", user)
    return {topic for topic in topics if re.search(pattern, topic.replace("/", ".").replace("+", "*"))}


def test_a_gate_speaks_for_itself_and_hears_what_is_meant_for_it() -> None:
    own = [*(A.event(kind) for kind in EventType), A.state, A.health, A.said("reply/1f"), A.said("request/time"), "homeassistant/device/g-a/config"]
    foreign = [B.event(EventType.DECISION), B.state, B.confirmation, A.confirmation, A.note, A.command("open"), "homeassistant/device/g-b/config"]
    assert may("g-a", "write", *own, *foreign, "qg/v1/else", f"{A.state}/deeper", f"x/{A.state}") == set(own)
    filters = ["#", "+/#", f"{ROOT}/+/+/+/ack", f"{ROOT}/#", B.confirmation, B.commands, A.state, A.event(EventType.DECISION)]
    assert may("g-a", "read", A.confirmation, A.commands, *filters) == {A.confirmation, A.commands}


def test_the_recorder_confirms_and_opens_nothing() -> None:
    own = [A.confirmation, A.note, A.command("challenge"), A.command("replay"), A.command("time")]
    others = [A.command("open"), A.state, A.event(EventType.DECISION), Topics("p-998", "s-999", "g-a").confirmation]
    assert may("recorder.p-999", "write", *own, *others) == set(own)
    filters = [EVENTS_OF_ALL, STATES_OF_ALL, f"{ROOT}/+/+/+/health", TIME_REQUESTS_OF_ALL]
    assert may("recorder.p-999", "read", *filters, "#", f"{ROOT}/+/+/+/cmd/+", f"{ROOT}/p-998/+/+/state") == set(filters)


def test_a_watcher_writes_nothing_and_an_order_goes_where_orders_go() -> None:
    everything = [A.event(EventType.DECISION), A.state, A.confirmation, A.command("open"), A.said("reply/1f"), ""]
    assert may("watcher.p-999", "write", *everything) == {""}  # no topic is empty (MQTT 3.1.1, 4.7.3)
    assert may("command.a", "write", *everything) == {A.command("open")}


def test_nobody_has_a_session_under_the_name_of_another() -> None:
    permissions: list[dict[str, Any]] = rabbitmq.definitions(described(clients=GATES))["permissions"]
    names = [each["user"] for each in permissions]
    assert names == ["g-a", "g-b", "recorder.p-999", "watcher.p-999", "command.a"]
    for each in permissions:
        queues = {f"mqtt-subscription-{name}qos{quality}": name for name in [*names, "recorderxp-999"] for quality in (0, 1)}
        for how in ("configure", "write", "read"):
            assert {name for queue, name in queues.items() if re.search(each[how], queue)} == {each["user"]}


def test_every_user_is_without_a_password_and_without_a_title() -> None:
    for user in rabbitmq.definitions(described(clients=GATES))["users"]:
        assert (user["password_hash"], user["tags"]) == ("", "")


def test_a_description_without_gates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no gate is named"):
        rabbitmq.write(tmp_path, described())


def test_mqtt_over_tls_alone_and_queues_on_all_machines() -> None:
    lines = rabbitmq.configuration(described(port=18883, listen="::", nodes=("q1", "q2", "q3"))).splitlines()
    assert [line for line in lines if "listeners" in line] == [
        "listeners.tcp = none",
        "listeners.ssl = none",
        "mqtt.listeners.tcp = none",
        "mqtt.listeners.ssl.1 = [::]:18883",
    ]
    demanded = {"ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true", "mqtt.allow_anonymous = false"}
    assert demanded | {"mqtt.durable_queue_type = quorum", "cluster_formation.classic_config.nodes.3 = rabbit@q3"} <= set(lines)


def test_a_single_machine_looks_for_no_cluster() -> None:
    assert "cluster" not in rabbitmq.configuration(described())


def test_the_queue_is_as_long_as_the_size_says(tmp_path: Path) -> None:
    rabbitmq.write(tmp_path, described(clients=GATES, size=Size(gates=2, events_a_day=100, away_days=3)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["definitions.json", "enabled_plugins", "rabbitmq.conf"]
    (policy,) = json.loads((tmp_path / "definitions.json").read_text(encoding="utf-8"))["policies"]
    assert policy["definition"] == {"max-length": 600}
