"""MQTT 5 and MQTT 3.1.1 as paho has them.

The older one has no properties, no reason codes in a PUBACK, and no limits that both sides agree on. There the window is ours
alone, a refused publish is a hang-up or silence (``culprit.py``), and what we cannot take is dropped (``client.py``).
"""

from __future__ import annotations

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from device.settings import Protocol
from device.uplink import packets


class Version:
    def __init__(self, protocol: Protocol) -> None:
        self.name = f"MQTT {protocol}"
        self.agrees_on_limits = protocol is Protocol.MQTT_5
        self._mqtt_5 = protocol is Protocol.MQTT_5

    def client(self, gate: str) -> Client:
        """A client that neither reconnects nor acknowledges by itself."""
        if self._mqtt_5:
            return Client(CallbackAPIVersion.VERSION2, gate, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False, manual_ack=True)
        return Client(  # the broker keeps orders for a gate that is away, for as long as it likes
            CallbackAPIVersion.VERSION2,
            gate,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )

    def connect(self, client: Client, host: str, port: int, keepalive_s: int) -> None:
        """Waits for TCP and TLS. Raises OSError, and ValueError for a host name that no resolver can encode."""
        if self._mqtt_5:
            client.connect(host, port, keepalive_s, clean_start=False, properties=packets.CONNECT)
        else:
            client.connect(host, port, keepalive_s)

    def properties(self, wanted: Properties) -> Properties | None:
        """What of ``wanted`` a packet can carry."""
        return wanted if self._mqtt_5 else None
