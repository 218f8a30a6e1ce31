from __future__ import annotations

from itertools import islice

from tests.canaries.people import people


def test_every_number_is_of_no_province_and_of_nobody_else() -> None:
    crowd = list(islice(people(1), 400))
    numbers = [
        number
        for person in crowd
        for number in (person.paper, person.old_paper, person.cancelled_paper, person.insurance, person.qid, person.account)
    ]
    assert all(number.startswith("999") for number in numbers)
    assert all(person.phone.startswith("0999") for person in crowd)
    assert len({person.name for person in crowd}) == len({person.paper for person in crowd}) == len({person.phone for person in crowd}) == len(crowd)


def test_no_value_is_mostly_zeros_as_what_programs_hold_by_themselves() -> None:
    told = [text for person in islice(people(1), 400) for text in person.values().values() if isinstance(text, str)]
    assert [text for text in told if text.count("0") > len(text) / 2] == []


def test_the_same_seed_gives_the_same_people() -> None:
    assert list(islice(people(1), 3)) == list(islice(people(1), 3)) != list(islice(people(2), 3))
