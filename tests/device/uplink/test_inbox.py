from __future__ import annotations

from device.uplink.inbox import PACKET_MAX, RECEIVE_MAX, Inbox, Letter


def letters(count: int) -> list[Letter]:
    return [Letter(mid, 1, "qg/v1/p1/s1/g1/ack", b"%d" % mid) for mid in range(count)]


def test_a_letter_is_acknowledged_only_when_the_gate_has_taken_it() -> None:
    inbox, acknowledged = Inbox(), list[Letter]()
    for letter in letters(3):
        inbox.put(letter)
    answers = iter([True, False])
    assert letters(1) == inbox.hand_over(lambda _: next(answers), acknowledged.append)
    assert letters(1) == acknowledged
    assert letters(3)[1:] == inbox.hand_over(lambda _: True, acknowledged.append)
    assert letters(3) == acknowledged


def test_a_broker_that_sends_more_than_was_agreed_is_not_stored() -> None:
    inbox = Inbox()
    assert [inbox.put(letter) for letter in letters(RECEIVE_MAX + 1)] == [True] * RECEIVE_MAX + [False]
    assert inbox.hand_over(lambda _: True, lambda _: None) == letters(RECEIVE_MAX)


def test_a_packet_larger_than_agreed_is_not_stored() -> None:
    inbox = Inbox()
    assert not inbox.put(Letter(1, 1, "t", bytes(PACKET_MAX)))
    assert inbox.hand_over(lambda _: True, lambda _: None) == []


def test_the_payload_does_not_appear_in_a_repr() -> None:
    assert "secret" not in repr(Letter(1, 1, "t", b"secret"))
