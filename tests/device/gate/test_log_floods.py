"""What a captured reader or uplink could write into the log, a line a message, and does not."""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from device.links import BrokerState, Give, Hello, Lane, Refused, connect
from device.seldom import AT_ONCE
from tests.device.gate import test_outbox, test_record
from tests.device.gate.test_record import state

TIMES = 200


def test_an_uplink_that_has_a_session_and_has_none_again_and_again_fills_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with closing(test_outbox.Bench(tmp_path)) as bench:
        for _ in range(TIMES):
            for connected in (True, False):
                bench.outbox.take(BrokerState(connected))
                bench.outbox.take(Refused(-1, 135))
                bench.outbox.take(Hello("b", "e", 0, b"", b""))
        assert len(bench.broker) == 2 * TIMES
    assert Counter(caplog.messages) == {
        "the uplink has a session with the broker": AT_ONCE,
        "the uplink has no broker": AT_ONCE,
        "the uplink sent a 'hello' message, which is not its to send": AT_ONCE,
    }


def test_events_of_which_only_some_can_be_read_fill_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The disk gives one lane's events and not the other's, at every turn."""
    with closing(test_outbox.Bench(tmp_path)) as bench:
        for _ in range(TIMES):
            bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")
            bench.outbox.take(Give(Lane.BACKLOG, 0, 20))
            bench.store._db.execute("ALTER TABLE out_of_reach RENAME TO event")
            bench.outbox.take(Give(Lane.LIVE, 0, 20))
    assert len(caplog.messages) == AT_ONCE


def test_peers_that_come_and_talk_nonsense_fill_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with closing(test_record.Bench(tmp_path)) as bench:
        for name in ("reader", "uplink"):
            for _ in range(TIMES):
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
                    peer.settimeout(5)
                    peer.connect(str(bench.folder / f"{name}.sock"))
                    peer.send(b"\xff nonsense")
                    while peer.recv(65536):  # a greeting, perhaps; then the end
                        pass
        with closing(connect(bench.folder / "reader.sock")) as link:
            for _ in range(TIMES):
                link.send(Give(Lane.LIVE, 0, 1))
            link.send(state("no_frames"))
            bench.await_commit()
    kinds = Counter(message.split(":")[0] for message in caplog.messages)
    assert kinds == {
        "reader": AT_ONCE,
        "the reader sent a 'give' message, which is not its to send": AT_ONCE,
        "the uplink has no broker": 1,
        "uplink": AT_ONCE,
    }
