from __future__ import annotations

import pytest
from paho.mqtt.properties import Properties

from device.uplink import packets


@pytest.mark.parametrize(("body", "digits"), [(0, 1), (127, 2), (16_383, 3), (2_097_151, 4)])
def test_the_size_of_a_publish_counts_every_byte_on_the_wire(body: int, digits: int) -> None:
    properties = 1 + 2 + 3 + len("application/cloudevents+json")
    assert packets.publish_size("a/b", bytes(body), packets.EVENT) == 1 + digits + 2 + 3 + 2 + properties + body


def test_properties_are_packed_as_paho_packs_them_each_time() -> None:
    for each in (packets.CONNECT, packets.EVENT, packets.REPLAYED, packets.SAYING, packets.STATE, packets.WILL):
        assert [each.pack(), each.pack()] == [Properties.pack(each)] * 2  # type: ignore[no-untyped-call]


def test_an_event_that_is_no_news_differs_by_one_user_property() -> None:
    assert packets.REPLAYED.pack().endswith(b"\x26\x00\x08replayed\x00\x04true")
    assert len(packets.REPLAYED.pack()) == len(packets.EVENT.pack()) + 17
