from __future__ import annotations

import threading

from device.reader.mailbox import Latest


def test_the_newest_wins_and_what_it_replaced_is_disposed_of_and_counted() -> None:
    gone: list[str] = []
    box = Latest[str](gone.append)
    for item in ("a", "b", "c"):
        box.put(item)
    assert (box.take(0), box.take(0), gone, box.replaced) == ("c", None, ["a", "b"], 2)


def test_who_waits_is_woken_by_an_item() -> None:
    box = Latest[str](lambda _: None)
    threading.Timer(0.01, box.put, ["a"]).start()
    assert box.take(10) == "a"


def test_who_waits_is_woken_when_the_mailbox_closes() -> None:
    box = Latest[str](lambda _: None)
    threading.Timer(0.01, box.close).start()
    assert box.take(10) is None


def test_after_closing_the_last_item_can_be_taken_and_a_new_one_is_disposed_of() -> None:
    gone: list[str] = []
    box = Latest[str](gone.append)
    box.put("a")
    box.close()
    box.put("b")
    assert (box.take(0), gone, box.replaced) == ("a", ["b"], 0)


def test_what_lies_there_at_the_end_is_disposed_of() -> None:
    gone: list[str] = []
    box = Latest[str](gone.append)
    box.put("a")
    box.discard()
    box.discard()
    assert gone == ["a"]


def test_every_item_is_either_taken_or_disposed_of_whatever_the_threads_do() -> None:
    gone: list[int] = []
    taken: list[int] = []
    box = Latest[int](gone.append)

    def give() -> None:
        for item in range(2000):
            box.put(item)
        box.close()

    giver = threading.Thread(target=give)
    giver.start()
    while giver.is_alive() or (item := box.take(0)) is not None:
        item = box.take(1)
        if item is not None:
            taken.append(item)
    giver.join(10)
    rest = box.take(0)
    assert rest is None
    assert taken == sorted(taken)
    assert len(gone) == box.replaced
