from __future__ import annotations

import pytest

from device.uplink import packets


@pytest.mark.parametrize(("body", "digits"), [(0, 1), (127, 2), (16_383, 3), (2_097_151, 4)])
def test_the_size_of_a_publish_counts_every_byte_on_the_wire(body: int, digits: int) -> None:
    properties = 1 + 2 + 3 + len("application/cloudevents+json")
    assert packets.publish_size("a/b", bytes(body), packets.EVENT) == 1 + digits + 2 + 3 + 2 + properties + body
