from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

from tests.cluster.forwarder import Forwarder
from tests.cluster.trial import Summary, missing

HOST = "127.0.0.1"


def test_what_the_recorder_lacks_is_found_gate_by_gate() -> None:
    stored = [("g-1", 1), ("g-1", 3), ("g-2", 1), ("g-2", 2), ("g-3", 9)]
    assert missing({"g-1": 4, "g-2": 2, "g-3": 1}, stored) == {"g-1": [2, 4], "g-3": [1]}


def test_a_summary_tells_each_kill_and_what_was_lost() -> None:
    summary = Summary(["q1", "q2"], [0.9, 2.1], {"g-1": 4, "g-2": 2}, {"g-1": [2, 4]}, "5 stored")
    assert summary.lines() == [
        "nodes killed        q1 (0.9 s of silence), q2 (2.1 s of silence)",
        "events recorded     6 at 2 gates",
        "recorder            5 stored",
        "lost                2",
    ]


def test_lines_go_to_one_node_while_it_answers_and_then_to_the_next() -> None:
    with ExitStack() as closing:
        nodes = [closing.enter_context(socket.create_server((HOST, 0))) for _ in range(2)]
        forwarder = closing.enter_context(Forwarder([int(node.getsockname()[1]) for node in nodes]))
        assert [_said_through(forwarder, nodes[0]) for _ in range(2)] == [b"hello", b"hello"]
        nodes[0].close()
        assert _said_through(forwarder, nodes[1]) == b"hello"
        assert forwarder.in_use == nodes[1].getsockname()[1]


def _said_through(forwarder: Forwarder, node: socket.socket) -> bytes:
    """What comes back of a word that ``node`` echoes."""
    echoing = threading.Thread(target=_echo, args=(node,))
    echoing.start()
    with socket.create_connection((HOST, forwarder.port), timeout=10) as line:
        line.sendall(b"hello")
        answer = line.recv(100)
    echoing.join(10)
    return answer


def _echo(node: socket.socket) -> None:
    line, _ = node.accept()
    with line:
        line.sendall(line.recv(100))
