"""Boards that are unplugged, plugged in again, silent, or not as they were told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.errors import HardwareError
from device.gate.outputs import Lost
from device.gate.outputs.lcus import Lcus
from device.gate.outputs.modbus import Modbus
from device.gate.outputs.serial_board import PATIENCE, Dialect, Patience, SerialBoard
from device.turnstile.lane import Relay
from tests.device.gate.outputs.relay_boards import LcusBoard, ModbusBoard, RelayBoard, honest, mute

QUICK = Patience(look_s=0.02, first_s=0.05, last_s=0.1)
WITHIN_S = 20.0
OFF_TWICE = [(1, False), (1, False)]
PATIENT = Modbus(1, answer_s=0.5)  # the board at the other end of the pty has to wait for its turn on a busy machine
KINDS: list[tuple[Callable[[Path], RelayBoard], Dialect]] = [(LcusBoard, Lcus()), (ModbusBoard, PATIENT)]


@contextmanager
def opened(board: RelayBoard, dialect: Dialect, *, free: bool = False, patience: Patience = QUICK) -> Iterator[SerialBoard]:
    """Entry at channel 1, free at 2."""
    relays = SerialBoard(str(board.link), 9600, dialect, {Relay.ENTRY: 1, Relay.FREE: 2}, free=free, patience=patience)
    try:
        yield relays
    finally:
        try:
            relays.close()
        except Lost:
            assert relays.lost()


def comes(condition: Callable[[], bool]) -> bool:
    """Whether ``condition`` comes true; it is a flag of another thread, which nobody announces."""
    pause, looks = threading.Event(), int(WITHIN_S / 0.01)
    return any(condition() or pause.wait(0.01) for _ in range(looks))


@pytest.fixture(params=KINDS, ids=["lcus", "modbus"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RelayBoard, Dialect]]:
    make, dialect = request.param
    with make(tmp_path / "board") as board:
        yield board, dialect


def test_a_board_that_is_unplugged_is_known_to_be_lost_without_an_order(kind: tuple[RelayBoard, Dialect]) -> None:
    board, dialect = kind
    with opened(board, dialect) as relays:
        assert relays.lost() is None
        board.unplug()
        assert comes(lambda: relays.lost() is not None)


def test_every_order_to_a_lost_board_is_told_with_what_to_do(kind: tuple[RelayBoard, Dialect]) -> None:
    board, dialect = kind
    with opened(board, dialect) as relays:
        board.unplug()
        for switch in relays.switches.values():
            for step in (switch.on, switch.off):
                with pytest.raises(Lost) as caught:
                    step()
                assert caught.value.what.startswith(f"relay board at {board.link} does not obey: ")
                assert caught.value.hint == "is it plugged in, and does it have power?"


@pytest.mark.parametrize("stale_link", [True, False])
def test_a_board_that_comes_back_is_off_first_of_all_and_obeys_again(kind: tuple[RelayBoard, Dialect], stale_link: bool) -> None:
    board, dialect = kind
    with opened(board, dialect) as relays:
        relays.switches[Relay.ENTRY].on()
        assert board.becomes(1, on=True)
        board.unplug(stale_link=stale_link)
        assert comes(lambda: relays.lost() is not None)
        board.plug()  # it kept its relay
        assert comes(lambda: relays.lost() is None)
        assert board.awaits(lambda: board.history[:4] == [*OFF_TWICE, (2, False), (2, False)])
        relays.switches[Relay.ENTRY].on()
        assert board.becomes(1, on=True)


def test_a_board_that_comes_back_stays_well_also_if_a_relay_was_on_when_it_went(kind: tuple[RelayBoard, Dialect]) -> None:
    board, dialect = kind
    with opened(board, dialect) as relays:
        relays.switches[Relay.ENTRY].on()
        board.unplug()
        assert comes(lambda: relays.lost() is not None)
        board.plug()
        assert comes(lambda: relays.lost() is None)
        assert not any(relays.lost() or threading.Event().wait(0.02) for _ in range(10))


@pytest.mark.parametrize("free", [True, False])
def test_what_frees_the_lane_is_put_right_when_the_board_comes_back(kind: tuple[RelayBoard, Dialect], free: bool) -> None:
    board, dialect = kind
    with opened(board, dialect, free=not free) as relays:
        board.unplug()
        assert comes(lambda: relays.lost() is not None)
        with pytest.raises(Lost):
            relays.switches[Relay.FREE].on() if free else relays.switches[Relay.FREE].off()
        board.plug()
        assert board.becomes(2, on=free)
        assert comes(lambda: relays.lost() is None)
        assert board.awaits(lambda: board.history[:4] == [*OFF_TWICE, (2, free), (2, free)])


def test_a_lane_that_is_free_stays_so_when_the_gate_opens_and_closes_the_board(kind: tuple[RelayBoard, Dialect]) -> None:
    board, dialect = kind
    with opened(board, dialect, free=True) as relays:
        relays.switches[Relay.ENTRY].on()
    assert board.awaits(lambda: board.history == [*OFF_TWICE, (2, True), (2, True), (1, True), (1, False)])


def test_a_board_that_falls_silent_is_lost_and_one_that_speaks_again_is_back(tmp_path: Path) -> None:
    with ModbusBoard(tmp_path / "board") as board, opened(board, PATIENT) as relays:
        board.always = mute
        assert comes(lambda: relays.lost() == "no answer within 500 ms")
        board.always = honest
        assert comes(lambda: relays.lost() is None)


def test_one_answer_that_is_missing_is_no_loss(tmp_path: Path) -> None:
    with ModbusBoard(tmp_path / "board") as board, opened(board, PATIENT) as relays:
        seen: list[str | None] = []
        for _ in range(5):
            board.speeches = [mute, honest]
            assert comes(lambda: not board.speeches)
            seen.append(relays.lost())
        assert seen == [None] * 5


def test_a_relay_that_moves_by_itself_is_a_loss_and_is_put_right(tmp_path: Path) -> None:
    with ModbusBoard(tmp_path / "board") as board, opened(board, PATIENT) as relays:
        board.history.clear()
        board.states[1] = True
        assert comes(lambda: relays.lost() == "relay 1 is on, and was told otherwise")
        assert board.becomes(1, on=False)
        assert comes(lambda: relays.lost() is None)


def test_a_port_that_another_took_meanwhile_is_waited_for(tmp_path: Path) -> None:
    with ModbusBoard(tmp_path / "board") as board, opened(board, PATIENT) as relays:
        board.unplug()
        assert comes(lambda: relays.lost() is not None)
        board.link.symlink_to("/dev/null")  # the name leads elsewhere
        assert comes(lambda: "ioctl" in str(relays.lost()) or "configure" in str(relays.lost()))
        board.plug()
        assert comes(lambda: relays.lost() is None)


def test_closing_does_not_wait_for_a_board_that_is_lost(kind: tuple[RelayBoard, Dialect]) -> None:
    board, dialect = kind
    relays = SerialBoard(str(board.link), 9600, dialect, {Relay.ENTRY: 1}, patience=Patience(look_s=0.02, first_s=3600, last_s=3600))
    board.unplug()
    assert comes(lambda: relays.lost() is not None)
    with pytest.raises(Lost):
        relays.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "relay board" and thread.is_alive()]


def test_a_board_that_is_not_there_at_the_start_is_no_loss_but_an_end(tmp_path: Path) -> None:
    with pytest.raises(HardwareError) as caught:
        SerialBoard(str(tmp_path / "board"), 9600, Lcus(), {Relay.ENTRY: 1})
    assert not isinstance(caught.value, Lost)


def test_a_loss_lasts_for_longer_than_a_turn_of_the_acting_thread_and_a_return_is_noticed_within_five_seconds() -> None:
    assert Patience(look_s=0.5, first_s=0.6, last_s=5.0) == PATIENCE
