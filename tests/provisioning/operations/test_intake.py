from __future__ import annotations

from provisioning.operations.intake import BATCH_EVENTS, BATCH_WAIT_S, WINDOW_LEAST, Batch


def test_a_batch_is_due_when_it_is_full_when_it_is_old_and_when_the_broker_waits_for_us() -> None:
    batch = Batch()
    assert [batch.is_due(count, now_s) for count, now_s in ((0, 0.0), (1, 1.0), (1, 1.0 + BATCH_WAIT_S / 2), (2, 1.0 + BATCH_WAIT_S))] == [
        False,
        False,
        False,
        True,
    ]
    assert [batch.is_due(count, 2.0) for count in (0, WINDOW_LEAST - 1, WINDOW_LEAST - 1, WINDOW_LEAST, WINDOW_LEAST)] == [False] * 4 + [True]
    assert batch.is_due(BATCH_EVENTS, 3.0)
