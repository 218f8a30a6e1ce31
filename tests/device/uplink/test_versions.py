from __future__ import annotations

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from device.settings import Protocol
from device.uplink import packets
from device.uplink.versions import Version


@pytest.mark.parametrize(
    ("protocol", "spoken", "properties", "agrees"),
    [
        (Protocol.MQTT_5, MQTTProtocolVersion.MQTTv5, packets.EVENT, True),
        (Protocol.MQTT_3_1_1, MQTTProtocolVersion.MQTTv311, None, False),
    ],
)
def test_only_mqtt_5_has_properties_and_limits(protocol: Protocol, spoken: MQTTProtocolVersion, properties: object, agrees: bool) -> None:
    version = Version(protocol)
    assert version.client("g1").protocol is spoken
    assert (version.properties(packets.EVENT), version.agrees_on_limits, version.name) == (properties, agrees, f"MQTT {protocol}")
