"""MQTT topics of one gate: ``qg/v1/{province}/{site}/{gate}/…``. Ids are opaque; lane, place and name are data."""

from __future__ import annotations

from dataclasses import dataclass

from device.domain import EventType

ROOT = "qg/v1"
EVENTS_OF_ALL = f"{ROOT}/+/+/+/event/+"
STATES_OF_ALL = f"{ROOT}/+/+/+/state"
TIME_REQUESTS_OF_ALL = f"{ROOT}/+/+/+/request/time"
REPLIES_OF_ALL = f"{ROOT}/+/+/+/reply/+"


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
    def note(self) -> str:
        """Retained, written by the recorder: what it has noticed about this gate, such as a second one of the same name."""
        return f"{self._prefix}/recorder"

    @property
    def commands(self) -> str:
        return f"{self._prefix}/cmd/+"

    def command(self, verb: str) -> str:
        """Written by whoever may command: a signed order, or part of a file that one has announced."""
        return f"{self._prefix}/cmd/{verb}"

    def said(self, rest: str) -> str:
        """What the gate says once: ``reply/ID``, the answer to an order, or ``request/time``, its question for signed time."""
        return f"{self._prefix}/{rest}"


def parse_event_topic(topic: str) -> tuple[Topics, str] | None:
    """Whose event a message on ``topic`` is, and of which kind; ``None`` where it is no event's topic.

    A newer gate may have a kind of event that is not ours.
    """
    match topic.split("/"):
        case ["qg", "v1", province, site, gate, "event", kind] if province and site and gate and kind:
            return Topics(province, site, gate), kind
        case _:
            return None
