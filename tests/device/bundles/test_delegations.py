from __future__ import annotations

from typing import Any

import pytest

from device.bundles import strict
from device.bundles.delegations import ALONE_MAX, HOLDERS_MAX, Delegation, Role, delegations_content, is_limited, read_delegations
from device.bundles.envelope import Place
from device.errors import VerificationError

KEY, OTHER = b"k" * 32, b"o" * 32
HERE = Place("p-999", "s-999", "g-999")
UNTIL_S = 1_795_000_000


def held(*roles: Role, key: bytes = KEY, **limits: Any) -> Delegation:
    return Delegation(key, frozenset(roles), **limits)


def test_what_the_office_writes_is_what_the_gate_reads() -> None:
    delegations = (
        held(Role.OPERATOR, Role.TECHNICIAN, sites=("s-999",), gates=("g-999", "g-998"), until_s=UNTIL_S),
        held(Role.OPERATOR, key=OTHER),
        held(Role.RELEASE),
    )
    assert read_delegations(strict.decode(strict.encode(delegations_content(delegations)))) == delegations


def test_an_empty_document_delegates_nothing() -> None:
    assert read_delegations({}) == ()


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({}, True),
        ({"sites": ("s-998", "s-999")}, True),
        ({"sites": ("s-998",)}, False),
        ({"gates": ("g-999",)}, True),
        ({"gates": ("g-998",)}, False),
        ({"sites": ("s-998",), "gates": ("g-999",)}, False),
        ({"until_s": UNTIL_S}, True),
        ({"until_s": UNTIL_S - 1}, False),
    ],
)
def test_a_delegation_counts_where_and_until_when_it_says(limits: dict[str, Any], counts: bool) -> None:
    assert held(Role.OPERATOR, **limits).counts(HERE, UNTIL_S) is counts


FEW = tuple(f"g-{number}" for number in range(ALONE_MAX))


@pytest.mark.parametrize(
    ("delegations", "limited"),
    [
        ([held(Role.OPERATOR, gates=FEW)], True),
        ([held(Role.OPERATOR, gates=FEW), held(Role.OPERATOR, gates=FEW[:2])], True),
        ([held(Role.OPERATOR, gates=(*FEW, "g-more"))], False),
        ([held(Role.OPERATOR, gates=FEW), held(Role.OPERATOR, gates=("g-more",))], False),
        ([held(Role.OPERATOR)], False),
        ([held(Role.OPERATOR, sites=("s-999",))], False),
        ([held(Role.OPERATOR, gates=FEW), held(Role.TECHNICIAN)], True),
    ],
    ids=["few", "few, twice", "more", "few and others", "all", "a site", "all in another role"],
)
def test_a_key_is_limited_by_all_that_was_delegated_to_it(delegations: list[Delegation], limited: bool) -> None:
    assert is_limited(delegations, Role.OPERATOR) is limited


@pytest.mark.parametrize(
    ("delegations", "limited"),
    [
        ([held(Role.OPERATOR, gates=FEW[:2]), held(Role.TECHNICIAN, gates=FEW[2:])], True),
        ([held(Role.OPERATOR, gates=FEW), held(Role.TECHNICIAN, gates=FEW)], True),
        ([held(Role.OPERATOR, gates=FEW), held(Role.TECHNICIAN, gates=("g-more",))], False),
        ([held(Role.OPERATOR, gates=FEW), held(Role.TECHNICIAN)], False),
        ([held(Role.OPERATOR, gates=FEW), held(Role.RELEASE)], True),
    ],
    ids=["few together", "the same few", "more together", "few and all", "all in a role that may not"],
)
def test_what_several_roles_may_do_is_counted_over_all_of_them(delegations: list[Delegation], limited: bool) -> None:
    assert is_limited(delegations, Role.OPERATOR, Role.TECHNICIAN) is limited


HOLDER = {"key": KEY, "roles": ["operator"]}
WRONG: dict[str, Any] = {
    "no table": b"",
    "an unknown table": {"holder": []},
    "no list": {"holders": {}},
    "too many": {"holders": [HOLDER] * (HOLDERS_MAX + 1)},
    "a holder that is no table": {"holders": [KEY]},
    "a short key": {"holders": [HOLDER | {"key": KEY[1:]}]},
    "no role": {"holders": [HOLDER | {"roles": []}]},
    "an unknown role": {"holders": [HOLDER | {"roles": ["king"]}]},
    "a role twice": {"holders": [HOLDER | {"roles": ["operator", "operator"]}]},
    "a role that is a number": {"holders": [HOLDER | {"roles": [1]}]},
    "no gates, which would mean all": {"holders": [HOLDER | {"gates": []}]},
    "no sites, which would mean all": {"holders": [HOLDER | {"sites": []}]},
    "a gate that is no id": {"holders": [HOLDER | {"gates": ["G#"]}]},
    "a gate that is a number": {"holders": [HOLDER | {"gates": [1]}]},
    "an end that is no time": {"holders": [HOLDER | {"until": -1}]},
    "a limit that this gate does not know": {"holders": [HOLDER | {"hours": [8, 17]}]},
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_document_that_is_wrong_anywhere_delegates_nothing(content: Any) -> None:
    with pytest.raises(VerificationError):
        read_delegations(content)
