from __future__ import annotations

import pytest

from device.errors import UsageError
from provisioning.changes import apply


def test_values_are_spelled_without_quotes_or_brackets() -> None:
    options = ["reader.path=/a=b c", "relay.pin=17", "relay.active_high=false", "relay.pulse_s=0.25", "reader.decoders=zbar,zxing", "paths.state=/s"]
    assert apply(options, {}) == {
        "reader": {"path": "/a=b c", "decoders": ("zbar", "zxing")},
        "relay": {"pin": 17, "active_high": False, "pulse_s": 0.25},
        "paths": {"state": "/s"},
    }


def test_an_empty_value_takes_the_key_out() -> None:
    assert apply(["relay.pin="], {"relay": {"pin": 17, "kind": "lcus"}}) == {"relay": {"kind": "lcus"}}


def test_the_last_of_two_wins_and_what_was_given_stays_as_it_was() -> None:
    before = {"relay": {"pin": 17}}
    assert apply(["relay.pin=18", "relay.pin=19"], before) == {"relay": {"pin": 19}}
    assert before == {"relay": {"pin": 17}}


def test_all_wrong_options_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        apply(["relay.pin", "relay.pulse_s=0.2", "rely.pin=17", "relay.pin=x"], {})
    assert str(caught.value) == (
        "3 options are wrong:\n"
        "  --set relay.pin: expected TABLE.KEY=VALUE (for example --set reader.source=webcam --set reader.path=/dev/video0)\n"
        "  --set: there is no table 'rely' (did you mean 'relay'?)\n"
        "  --set relay.pin=x: 'x' is no value for this key (a number, or true or false)\n"
        "  → mend them and try again"
    )


@pytest.mark.parametrize(
    ("option", "what", "hint"),
    [
        ("relay.pin", "--set relay.pin: expected TABLE.KEY=VALUE", "for example --set reader.source=webcam --set reader.path=/dev/video0"),
        ("pin=17", "--set pin=17: expected TABLE.KEY=VALUE", "for example --set reader.source=webcam --set reader.path=/dev/video0"),
        ("rely.pin=17", "--set: there is no table 'rely'", "did you mean 'relay'?"),
        ("relay.pim=17", "--set: [relay] has no key 'pim'", "did you mean 'pin'?"),
        ("relay.pin=x", "--set relay.pin=x: 'x' is no value for this key", "a number, or true or false"),
    ],
)
def test_a_wrong_option_is_told_with_a_hint(option: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        apply([option], {})
    assert (caught.value.what, caught.value.hint) == (what, hint)
