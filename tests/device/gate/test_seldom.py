from __future__ import annotations

import logging

import pytest

from device.gate.seldom import APART_NS, Seldom


def test_a_stranger_causes_one_line_of_a_kind_in_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now_ns = 0
    seldom = Seldom(logging.getLogger("qrgate.gate"), ticks=lambda: now_ns)
    for _ in range(1000):
        seldom.warning("not believed: %s", "forged")
        seldom.warning("ignored")
    now_ns = APART_NS
    seldom.warning("not believed: %s", "for another gate")
    assert caplog.messages == ["not believed: forged", "ignored", "not believed: for another gate (and 999 more since)"]
