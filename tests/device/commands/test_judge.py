from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from device.bundles.delegations import ALONE_MAX, Delegation, Role
from device.bundles.envelope import Place
from device.commands import deeds, order
from device.commands.deeds import Deed, Diagnose, LaneMode, SetMode
from device.commands.judge import Refusal, Ruling, judge
from device.commands.order import ALONE_WITHIN_S, Signature, message
from device.events.cose import sign1
from tests.device.commands.orders import BOOT, DEEDS, HERE, holder, key, ordered, signed

NOW_S = 1_795_000_000
OPERATORS = (holder(1, Role.OPERATOR), holder(2, Role.OPERATOR))
FREE = SetMode(LaneMode.FREE)


def ruled(data: bytes, verb: str = "diagnostics", *delegations: Delegation, **changes: Any) -> Ruling:
    where: dict[str, Any] = {"place": HERE, "boot": BOOT, "passed_s": NOW_S} | changes
    return judge(data, verb, delegations=delegations or OPERATORS, **where)


def refused(deed: Deed, *signers: int, by: tuple[Delegation, ...] = OPERATORS) -> Refusal | None:
    return ruled(signed(ordered(deed), *signers), deeds.verb_of(deed), *by).refusal


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_each_role_may_order_what_is_its_own_and_nothing_else(deed: Deed, role: Role) -> None:
    by = (holder(1, role), holder(2, role))
    assert refused(deed, 1, 2, by=by) is (None if role in deeds.ROLES[deeds.verb_of(deed)] else Refusal.NOT_ALLOWED)


def test_what_counts_is_told_with_who_has_signed_it() -> None:
    told = ordered(FREE, within_s=600)
    ids = tuple(order.key_id(each.key).hex() for each in OPERATORS)
    assert ruled(signed(told, 1, 2), "mode") == Ruling(told, ids, None)


@pytest.mark.parametrize("name", ["free", "locked", "drill"])
def test_what_frees_or_locks_needs_two_keys_unless_one_is_limited_to_a_few_gates(name: str) -> None:
    limited = holder(1, Role.OPERATOR, gates=("g-999", "g-998"))
    assert refused(DEEDS[name], 1) is Refusal.NEEDS_TWO
    assert refused(DEEDS[name], 1, by=(limited,)) is None
    assert refused(DEEDS[name], 1, by=(limited, holder(1, Role.OPERATOR, gates=("g-1", "g-2", "g-3")))) is Refusal.NEEDS_TWO
    assert refused(DEEDS[name], 1, 2) is None


def alone_at(deed: Deed, by: tuple[Delegation, ...]) -> list[str]:
    """The gates at which key 1 may do ``deed`` by itself, of ten."""
    gates = [f"g-{number}" for number in range(1, 11)]
    return [
        gate
        for gate in gates
        if ruled(signed(ordered(deed, gate=gate), 1), deeds.verb_of(deed), *by, place=Place("p-999", "s-999", gate)).refusal is None
    ]


FIRST, NEXT = ("g-1", "g-2", "g-3", "g-4"), ("g-5", "g-6", "g-7", "g-8")


@pytest.mark.parametrize(
    ("by", "drills", "frees"),
    [
        ((holder(1, Role.OPERATOR, gates=FIRST), holder(1, Role.TECHNICIAN, gates=NEXT)), (), FIRST),
        ((holder(1, Role.OPERATOR, gates=FIRST[:2]), holder(1, Role.TECHNICIAN, gates=FIRST[2:])), FIRST, FIRST[:2]),
        ((holder(1, Role.OPERATOR, Role.TECHNICIAN, gates=FIRST),), FIRST, FIRST),
        ((holder(1, Role.TECHNICIAN, gates=FIRST),), FIRST, ()),
        ((holder(1, Role.OPERATOR, gates=FIRST), holder(1, Role.OPERATOR, gates=NEXT)), (), ()),
        ((holder(1, Role.OPERATOR, gates=FIRST), holder(1, Role.OPERATOR, gates=NEXT, until_s=NOW_S - 1)), (), ()),
    ],
    ids=["two roles at eight", "two roles at four", "both roles at four", "a technician", "one role at eight", "at four, after it was at eight"],
)
def test_no_key_frees_more_than_four_gates_alone_whatever_its_roles(
    by: tuple[Delegation, ...], drills: tuple[str, ...], frees: tuple[str, ...]
) -> None:
    assert (tuple(alone_at(DEEDS["drill"], by)), tuple(alone_at(FREE, by))) == (drills, frees)
    assert len({*drills, *frees}) <= ALONE_MAX


def test_one_key_ends_what_two_have_begun() -> None:
    assert refused(SetMode(LaneMode.NORMAL), 1) is None


def test_both_signers_must_have_the_role() -> None:
    assert refused(FREE, 1, 2, by=(holder(1, Role.OPERATOR), holder(2, Role.TECHNICIAN))) is Refusal.NOT_ALLOWED


def test_one_hand_that_signs_twice_is_no_second_key() -> None:
    assert refused(FREE, 1, 1) is Refusal.MALFORMED


def test_two_signatures_are_of_one_order() -> None:
    first, second = (order.sign(key(number), order.encode(ordered(FREE, why=why))) for number, why in ((1, "fire"), (2, "no fire")))
    assert ruled(message([first, second]), "mode").refusal is Refusal.MALFORMED


def test_a_key_that_was_taken_out_or_is_for_other_gates_or_whose_time_is_over_is_unknown() -> None:
    for by in (
        (holder(2, Role.OPERATOR),),
        (holder(1, Role.OPERATOR, gates=("g-998",)),),
        (holder(1, Role.OPERATOR, sites=("s-998",)),),
        (holder(1, Role.OPERATOR, until_s=NOW_S - 1),),
    ):
        assert refused(Diagnose(), by=by) is Refusal.UNKNOWN_KEY
    assert refused(Diagnose(), by=(holder(1, Role.OPERATOR, until_s=NOW_S),)) is None


@pytest.mark.parametrize(
    ("verb", "changes", "refusal"),
    [
        ("restart", {}, Refusal.MISDIRECTED),
        ("diagnostics", {"place": Place("p-999", "s-999", "g-998")}, Refusal.MISDIRECTED),
        ("diagnostics", {"boot": "boot-2"}, Refusal.OTHER_BOOT),
    ],
    ids=["under another verb", "at another gate", "after a restart"],
)
def test_an_order_for_something_else_is_proven_and_does_not_count(verb: str, changes: dict[str, Any], refusal: Refusal) -> None:
    told = ordered(Diagnose())
    assert ruled(signed(told), verb, **changes) == Ruling(told, (order.key_id(OPERATORS[0].key).hex(),), refusal)


def forged(signer: Ed25519PrivateKey, payload: bytes, context: bytes = order.CONTEXT) -> bytes:
    """A message that names the first operator's key."""
    return message([Signature(order.key_id(OPERATORS[0].key), sign1(signer, payload, context=context))])


PAYLOAD = order.encode(ordered(Diagnose()))


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (forged(key(9), PAYLOAD), Refusal.FORGED),
        (forged(key(1), PAYLOAD, b"qrgate-bundle-v1"), Refusal.FORGED),
        (forged(key(1), b"no order"), Refusal.MALFORMED),
        (b"", Refusal.MALFORMED),
    ],
    ids=["by another key", "for another purpose", "of something else", "nothing"],
)
def test_what_is_not_proven_says_nothing_of_itself(data: bytes, refusal: Refusal) -> None:
    assert ruled(data) == Ruling(None, (), refusal)


def test_a_good_first_signature_does_not_help_a_forged_second() -> None:
    first = order.sign(key(1), order.encode(ordered(FREE)))
    second = Signature(order.key_id(OPERATORS[1].key), order.sign(key(9), order.encode(ordered(FREE))).envelope)
    assert ruled(message([first, second]), "mode") == Ruling(None, (), Refusal.FORGED)


def test_one_signature_is_good_for_a_minute_and_two_for_as_long_as_they_say() -> None:
    told = ordered(FREE, within_s=600)
    assert (ruled(signed(told, 1), "mode").within_s, ruled(signed(told, 1, 2), "mode").within_s) == (ALONE_WITHIN_S, 600)
    assert ruled(signed(ordered(Diagnose(), within_s=5))).within_s == 5


GOOD = signed(ordered(FREE), 1, 2)


@settings(derandomize=True, deadline=None, max_examples=300)
@drawn(st.binary(max_size=600) | st.builds(lambda at, new: GOOD[:at] + new + GOOD[at + 1 :], st.integers(0, len(GOOD)), st.binary(max_size=3)))
def test_no_other_bytes_count(data: bytes) -> None:
    assert data == GOOD or ruled(data, "mode").refusal is not None
