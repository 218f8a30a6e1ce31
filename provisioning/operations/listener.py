"""paho's client, which leaves the properties of what arrives unread: the recorder needs none of them.

Reading three properties takes paho some 40 µs of a processor's time, as long as all the rest of its work on a message (measured,
paho 2.2), and a recorder has one processor for all gates. What is read here otherwise is what it reads, message by message, and
whatever is not the plain case of an event (MQTT 5, QoS 1, whole) is left to it.
"""

from __future__ import annotations

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import MQTTErrorCode

QOS_1 = 0x02
QOS, DUP, RETAIN = 0x06, 0x08, 0x01
VARIABLE_BYTES_MAX = 4  # of a length (MQTT 5, 1.5.5)


class Listener(Client):
    """As its base, with ``manual_ack``; ``properties`` of a message is ``None``."""

    def _handle_publish(self) -> MQTTErrorCode:
        """Paho calls this for each PUBLISH that is complete (its 2.2; a test holds both side by side)."""
        message = None
        if self._protocol == MQTTv5 and self._in_packet["command"] & QOS == QOS_1:
            message = read(self._in_packet["command"], bytes(self._in_packet["packet"]))
        if message is None:
            return super()._handle_publish()
        self._handle_on_message(message)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def read(header: int, packet: bytes) -> MQTTMessage | None:
    """The message of a PUBLISH at QoS 1 (MQTT 5, 3.3): ``packet`` is all behind its length. ``None`` where it is not whole."""
    mid_at = 2 + int.from_bytes(packet[:2])
    payload_at = _behind_properties(packet, mid_at + 2)
    if payload_at is None:
        return None
    message = MQTTMessage(mid=int.from_bytes(packet[mid_at : mid_at + 2]), topic=packet[2:mid_at])
    message.qos, message.dup, message.retain = 1, bool(header & DUP), bool(header & RETAIN)
    message.payload = packet[payload_at:]
    return message


def _behind_properties(packet: bytes, at: int) -> int | None:
    length = 0
    for place, byte in enumerate(packet[at : at + VARIABLE_BYTES_MAX]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            end = at + place + 1 + length
            return end if end <= len(packet) else None
    return None
