"""MQTT topics of one gate: ``qg/v1/{province}/{site}/{gate}/…``. Ids are opaque; lane, place and name are data."""

from __future__ import annotations

from dataclasses import dataclass

from device.domain import EventType

ROOT = "qg/v1"
EVENTS_OF_ALL = f"{ROOT}/+/+/+/event/+"
STATES_OF_ALL = f"{ROOT}/+/+/+/state"
HEALTHS_OF_ALL = f"{ROOT}/+/+/+/health"


@dataclass(frozen=True, slots=True)
class Topics:
    province: str
    site: str
    gate: str

    @property
    def _prefix(self) -> str:
        return f"{ROOT}/{self.province}/{self.site}/{self.gate}"

    def event(self, kind: EventType) -> str:
        return f"{self._prefix}/event/{kind}"

    @property
    def state(self) -> str:
        """Retained: the birth message, and the broker's will when the gate is lost."""
        return f"{self._prefix}/state"

    @property
    def health(self) -> str:
        """Retained: how the gate is, in its own words. It counts only while the state is ``ready``: nobody takes it back for a gate that is gone."""
        return f"{self._prefix}/health"

    @property
    def confirmation(self) -> str:
        """Written by the recorder: what it has stored for good."""
        return f"{self._prefix}/ack"

    @property
    def commands(self) -> str:
        return f"{self._prefix}/cmd/+"


def parse_event_topic(topic: str) -> tuple[Topics, EventType] | None:
    """Whose event a message on ``topic`` is, or ``None`` where it is no event's topic."""
    match topic.split("/"):
        case ["qg", "v1", province, site, gate, "event", kind] if province and site and gate and kind in {each.value for each in EventType}:
            return Topics(province, site, gate), EventType(kind)
        case _:
            return None
