from __future__ import annotations

import os
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from device.notify import ALIVE, READY, STOPPING, Ear, notify


@contextmanager
def service_manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(2)
        channel.bind(address)
        yield channel


def test_every_state_arrives_as_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with service_manager(address) as channel:
        for state in (READY, ALIVE, STOPPING):
            notify(state)
        assert [channel.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"qrgate-test-{secrets.token_hex(8)}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with service_manager(f"\0{name}") as channel:
        notify(READY)
        assert channel.recv(100) == b"READY=1"


def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)


@pytest.mark.parametrize("address", ["/nowhere/notify", "@nobody-listens-here", "x" * 200])
def test_a_service_manager_that_does_not_listen_stops_nobody(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify(READY)


def test_a_service_manager_that_is_too_slow_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with service_manager(address) as channel:
        channel.setblocking(False)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    filler.sendto(b"x", address)
        notify(READY)


# --- the other end ---------------------------------------------------------------------------------------------


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    with closing(Ear()) as ear:
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        yield ear


def test_what_is_told_is_heard_once_and_with_who_told_it(ear: Ear) -> None:
    notify(READY)
    notify(ALIVE)
    assert list(ear.heard()) == [(os.getpid(), READY), (os.getpid(), ALIVE)]
    assert list(ear.heard()) == []


def test_another_process_is_known_by_its_own_number(ear: Ear) -> None:
    with subprocess.Popen([sys.executable, "-c", "from device import notify; notify.notify(notify.READY)"]) as process:
        assert select.select([ear], [], [], 10)[0] == [ear]
        assert list(ear.heard()) == [(process.pid, READY)]


def test_no_two_have_one_name() -> None:
    with closing(Ear()) as one, closing(Ear()) as other:
        assert one.address != other.address


def test_what_is_no_text_is_heard_and_harms_nobody(ear: Ear) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for content in (b"", b"\xff", b"x" * 1000):
            stranger.sendto(content, "\0" + ear.address[1:])
    assert [state for _, state in ear.heard()] == ["", "\ufffd", "x" * 256]
