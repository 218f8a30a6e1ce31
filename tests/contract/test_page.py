from __future__ import annotations

import pytest

from tests.contract import examples
from tests.contract.channels import channels
from tests.contract.page import PAGE, page
from tests.contract.reading import violations


def test_the_page_is_what_the_contract_says() -> None:
    """Else: python -m tests.contract write."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("name", examples.messages())
def test_an_example_is_as_the_contract_says(name: str) -> None:
    assert violations(*examples.messages()[name]) == []


def test_every_message_that_people_can_read_has_an_example() -> None:
    readable = {name for channel in channels().values() for name, message in channel.messages.items() if message.schema}
    assert set(examples.messages()) == readable
