from __future__ import annotations

from typing import Any

from device.domain import EventType
from device.gate.teller import Teller


def test_what_is_told_before_there_is_anybody_to_record_it_is_recorded_then_in_order() -> None:
    tell, recorded = Teller(), list[tuple[EventType, dict[str, Any]]]()
    tell(EventType.ALARM, {"what": "first"})
    tell(EventType.AUDIT, {"what": "second"})
    assert recorded == []
    tell.begin(lambda kind, facts: recorded.append((kind, facts)))
    tell(EventType.AUDIT, {"what": "third"})
    assert recorded == [(EventType.ALARM, {"what": "first"}), (EventType.AUDIT, {"what": "second"}), (EventType.AUDIT, {"what": "third"})]
