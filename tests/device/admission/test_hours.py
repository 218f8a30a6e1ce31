from __future__ import annotations

from datetime import datetime, time

import pytest

from device.admission.hours import DAY_MINUTES, EVERY_DAY, Opening
from device.events.pseudonyms import VIET_NAM

MON, TUE, FRI, SAT, SUN = 0, 1, 4, 5, 6
DAY_OF = {MON: 16, TUE: 17, FRI: 20, SAT: 21, SUN: 22}  # of November 2026

WORK = Opening(6 * 60, 18 * 60, frozenset({MON, FRI}))
NIGHT = Opening(22 * 60, 5 * 60, frozenset({FRI, SUN}))
WHOLE_DAY = Opening(0, DAY_MINUTES, frozenset({SAT}))
ROUND_THE_CLOCK = Opening(6 * 60, 6 * 60, frozenset({SAT}))

CASES = [
    (WORK, MON, time(5, 59, 59), False),
    (WORK, MON, time(6, 0), True),
    (WORK, MON, time(17, 59, 59), True),
    (WORK, MON, time(18, 0), False),
    (WORK, TUE, time(12, 0), False),
    (WORK, FRI, time(12, 0), True),
    # over midnight: the night belongs to the day on which it began
    (NIGHT, FRI, time(21, 59), False),
    (NIGHT, FRI, time(22, 0), True),
    (NIGHT, FRI, time(23, 59), True),
    (NIGHT, FRI, time(4, 0), False),
    (NIGHT, SAT, time(0, 0), True),
    (NIGHT, SAT, time(4, 59), True),
    (NIGHT, SAT, time(5, 0), False),
    (NIGHT, SAT, time(22, 0), False),
    (NIGHT, SUN, time(22, 0), True),
    (NIGHT, MON, time(4, 59), True),
    (NIGHT, MON, time(12, 0), False),
    # whole days
    (WHOLE_DAY, FRI, time(23, 59), False),
    (WHOLE_DAY, SAT, time(0, 0), True),
    (WHOLE_DAY, SAT, time(23, 59, 59), True),
    (WHOLE_DAY, SUN, time(0, 0), False),
    (ROUND_THE_CLOCK, SAT, time(5, 59), False),
    (ROUND_THE_CLOCK, SAT, time(6, 0), True),
    (ROUND_THE_CLOCK, SUN, time(5, 59), True),
    (ROUND_THE_CLOCK, SUN, time(6, 0), False),
    # to the minute
    (Opening(6 * 60 + 30, 18 * 60 + 15), TUE, time(6, 29, 59), False),
    (Opening(6 * 60 + 30, 18 * 60 + 15), TUE, time(6, 30), True),
    (Opening(6 * 60 + 30, 18 * 60 + 15), TUE, time(18, 14, 59), True),
    (Opening(6 * 60 + 30, 18 * 60 + 15), TUE, time(18, 15), False),
    # every day, if no day is named
    (Opening(6 * 60, 18 * 60), SUN, time(6, 0), True),
]


@pytest.mark.parametrize(("opening", "weekday", "moment", "is_open"), CASES)
def test_a_site_is_open_from_its_first_minute_up_to_its_last(opening: Opening, weekday: int, moment: time, is_open: bool) -> None:
    assert opening.holds(datetime(2026, 11, DAY_OF[weekday], moment.hour, moment.minute, moment.second, tzinfo=VIET_NAM)) is is_open


def test_a_week_has_seven_days_and_a_day_its_minutes() -> None:
    assert (sorted(EVERY_DAY), DAY_MINUTES) == ([0, 1, 2, 3, 4, 5, 6], 1440)
