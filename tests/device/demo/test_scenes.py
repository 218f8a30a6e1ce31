from __future__ import annotations

import pytest

from device.demo.plan import frames_of, plan_of
from device.demo.scenes import FRAMES_PER_S, REFUSED_S, ROLES, presentations
from device.domain import Decision, Reason


def test_the_table_shows_every_answer_the_demo_promises(payloads: dict[str, bytes]) -> None:
    expected = [shown.expected for shown in presentations(payloads)]
    assert {reason: expected.count(Decision(reason is Reason.OK, reason)) for reason in (Reason.OK, Reason.EXPIRED, Reason.NOT_PROVEN)} == {
        Reason.OK: 12,
        Reason.EXPIRED: 2,
        Reason.NOT_PROVEN: 2,
    }
    assert {Reason.FORGED, Reason.UNKNOWN_ISSUER, Reason.ONE_AT_A_TIME, Reason.USED_UP, Reason.PAYMENT_CODE} == (
        {decision.reason for decision in expected} - {Reason.OK, Reason.EXPIRED, Reason.NOT_PROVEN}
    )


def test_every_payload_has_something_that_shows_it_and_a_name_of_its_own(payloads: dict[str, bytes]) -> None:
    table = presentations(payloads)
    assert [len(shown.look.held) for shown in table] == [len(shown.payloads) for shown in table]
    assert len({shown.name for shown in table}) == len(table)


def test_the_first_of_two_payloads_is_the_one_that_is_decided(payloads: dict[str, bytes]) -> None:
    (beside,) = (shown for shown in presentations(payloads) if shown.name == "payment code beside a pass")
    assert (payloads["pass_i"], payloads["payment"]) == beside.payloads


def test_what_is_refused_is_held_long_enough_to_be_refused(payloads: dict[str, bytes]) -> None:
    assert [shown.name for shown in presentations(payloads) if not shown.expected.admit and shown.hold_s < REFUSED_S] == []


def test_a_code_has_left_view_for_a_second_before_it_comes_again(payloads: dict[str, bytes]) -> None:
    plan = plan_of(presentations(payloads))
    left: dict[bytes, int] = {}
    too_soon = []
    for shown in plan.shown:
        for payload in shown.presentation.payloads:
            if payload in left and shown.frames[0] - left[payload] - 1 < FRAMES_PER_S:
                too_soon.append(shown.presentation.name)
            left[payload] = shown.frames[-1]
    assert too_soon == []


def test_the_recording_is_played_within_19_s_and_fits_in_260_mb(payloads: dict[str, bytes]) -> None:
    plan = plan_of(presentations(payloads))
    assert len(plan.schedule) <= frames_of(19)
    assert plan.planes * 1280 * 720 <= 260_000_000


def test_a_role_without_a_payload_is_an_error() -> None:
    with pytest.raises(KeyError):
        presentations({role: b"KD1" for role in ROLES if role != "forged"})


def test_payloads_stay_out_of_the_repr(payloads: dict[str, bytes]) -> None:
    assert [shown.name for shown in presentations(payloads) if any(payload.decode()[:20] in repr(shown) for payload in shown.payloads)] == []
