from __future__ import annotations

import select
import threading
import time

import pytest

from device.uplink.dial import Dial


def wait_end(dial: Dial) -> bool:
    return bool(select.select([dial], [], [], 10)[0])


def test_the_end_of_a_dial_wakes_whoever_polls_and_gives_the_error() -> None:
    def connect() -> None:
        raise OSError(111, "Connection refused")

    dial = Dial(connect)
    assert wait_end(dial)
    assert dial.ended
    with pytest.raises(OSError, match="Connection refused"):
        dial.result()


def test_dialling_never_holds_up_who_asks() -> None:
    answer = threading.Event()
    began_s = time.monotonic()
    dial = Dial(lambda: answer.wait(10))
    assert not dial.ended
    assert time.monotonic() - began_s < 5
    answer.set()
    assert wait_end(dial)
    dial.result()
