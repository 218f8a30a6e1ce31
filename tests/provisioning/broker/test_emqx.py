from __future__ import annotations

import re
from pathlib import Path

import pytest

from device.events.topics import EVENTS_OF_ALL
from provisioning.broker import emqx
from provisioning.broker.description import Clients
from tests.provisioning.broker.described import described

CLIENTS = Clients(commands=("command.a",), discovery_prefix="homeassistant")


def terms() -> list[tuple[str, str, list[str]]]:
    """Who, publish or subscribe, and the topics, of each term that allows something."""
    found = re.findall(
        r"^\{allow, \{username, (.*?)\}, (publish|subscribe), \[(.*)\]\}\.$", emqx.access_list(described(clients=CLIENTS)), re.MULTILINE
    )
    return [(who, how, re.findall(r'"([^"]*)"', topics)) for who, how, topics in found]


def test_what_is_not_allowed_is_refused_at_the_end() -> None:
    lines = emqx.access_list(described(clients=CLIENTS)).splitlines()
    assert lines[-1] == "{deny, all}."
    assert [line for line in lines[1:-1] if not line.startswith("{allow, {username, ")] == []
    assert {"no_match = deny", "verify = verify_peer", "fail_if_no_peer_cert = true"} <= {
        line.strip() for line in emqx.configuration(described()).splitlines()
    }


def test_a_gate_is_whoever_has_its_name_in_the_certificate_and_nobody_with_a_sign_in_it() -> None:
    who, how, topics = terms()[0]
    pattern = re.search(r'"(.*)"', who)
    assert pattern is not None
    assert [name for name in ("g-a", "recorder.p-999", "#", "+", "a/b", "$SYS", "") if re.search(pattern[1], name)] == ["g-a"]
    assert (how, topics[0], topics[-1]) == ("publish", "qg/v1/+/+/${username}/event/+", "homeassistant/device/${username}/config")
    assert all("${username}" in topic for _, _, each in terms()[:2] for topic in each)


def test_the_recorder_may_subscribe_to_what_it_subscribes_to() -> None:
    (reads,) = (topics for who, how, topics in terms() if (who, how) == ('"recorder.p-999"', "subscribe"))
    assert EVENTS_OF_ALL in reads


@pytest.mark.parametrize("name", ["recorder.p-999", "command.a"])
def test_whoever_writes_writes_in_its_province(name: str) -> None:
    (writes,) = (topics for who, how, topics in terms() if (who, how) == (f'"{name}"', "publish"))
    assert {topic.split("/")[2] for topic in writes} == {"p-999"}


def test_both_files_are_written_and_nothing_pretends_that_they_were_run(tmp_path: Path) -> None:
    emqx.write(tmp_path, described(nodes=("q1", "q2")))
    assert {path.name: "not run by us" in path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"acl.conf": True, "qrgate.hocon": True}
    assert 'static.seeds = ["emqx@q1", "emqx@q2"]' in (tmp_path / "qrgate.hocon").read_text(encoding="utf-8")
    assert emqx.next_steps(tmp_path, described())[0].startswith("not run by us")
