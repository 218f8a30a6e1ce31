"""The desk without a broker: what is said for what came."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.commands import asking, order, signed_time
from device.commands.asking import Challenge
from device.commands.deeds import Replay, SetTime
from device.commands.signed_time import Question
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import verify1
from device.events.shallow_json import NESTED_MAX
from device.settings import Protocol
from provisioning.operations import desk as desks
from provisioning.operations.archive import Archive
from provisioning.operations.confirming import GATE_MAX
from provisioning.operations.database import TryAgainError
from provisioning.operations.desk import Desk, Message, Outgoing, Taken
from provisioning.operations.repeats import PATIENCE_S
from provisioning.operations.settings import Broker, Clock, Confirmations, Identity, RecorderSettings, Replica, Storage
from provisioning.operations.survey import accept
from tests.provisioning.live import PROVINCE
from tests.provisioning.operations.played import EPOCH, NOW, Card, key

QUESTION = Question("g-a", "boot-1", b"\x05" * 16)


def settings(folder: Path, *, trusted: bool) -> RecorderSettings:
    return RecorderSettings(
        identity=Identity(province=PROVINCE, id=f"recorder.{PROVINCE}"),
        broker=Broker(host="127.0.0.1", ca_file=folder, certificate_file=folder, key_file=folder, protocol=Protocol.MQTT_5),
        storage=Storage(file=folder / "events.sqlite"),
        replica=Replica(),
        confirmations=Confirmations(key_file=folder),
        clock=Clock(trusted=trusted),
    )


@pytest.fixture
def desk(archive: Archive, tmp_path: Path) -> Desk:
    return Desk(settings(tmp_path, trusted=True), archive, key(7))


def said(desk: Desk, *messages: Message) -> list[Outgoing]:
    desk.tell(desk.take(messages, NOW))
    return sent(desk)


def sent(desk: Desk) -> list[Outgoing]:
    return list(iter(desk.next, None))


def event(card: Card, sequence: int) -> Message:
    return Message(card.topic(sequence), card.bodies[sequence - 1])


def birth(card: Card) -> Message:
    return Message(card.topics.said("state"), card.birth_body())


def ordered(body: bytes) -> order.Order:
    (signature,) = order.read_message(body)
    return order.decode(verify1(signature.envelope, key(7).public_key(), context=order.CONTEXT))


def test_births_and_events_of_one_batch_are_stored_and_the_events_confirmed(desk: Desk) -> None:
    card = Card()
    card.decide()
    card.decide()
    (found,) = said(desk, birth(card), event(card, 1), event(card, 2))
    told = confirmation.decode(verify1(found.body, key(7).public_key(), context=confirmation.CONTEXT))
    assert (found.topic, found.retain, told.first, told.last) == (card.topics.confirmation, False, 1, 2)


def test_of_a_void_whose_event_is_here_the_gate_hears_of_the_event_first(desk: Desk) -> None:
    """Else it would keep for ever what was acknowledged, and then refused by a wrong suspicion."""
    card = Card()
    card.decide()
    original = card.bodies[0]
    said(desk, birth(card), event(card, 1))
    card.give_up(1)
    for _ in range(2):  # the second is a duplicate
        words = [confirmation.decode(verify1(each.body, key(7).public_key(), context=confirmation.CONTEXT)) for each in said(desk, event(card, 1))]
        assert words == [Confirmation("g-a", EPOCH, 1, 1, range_digest([body])) for body in (original, card.bodies[0])]


def test_of_a_void_whose_event_is_not_here_only_the_void_is_confirmed(desk: Desk) -> None:
    card = Card()
    card.decide()
    card.give_up(1)
    _, found = said(desk, birth(card), event(card, 1))  # the first is the alarm
    word = confirmation.decode(verify1(found.body, key(7).public_key(), context=confirmation.CONTEXT))
    assert word.digest == range_digest([card.bodies[0]])


def test_nothing_is_said_of_what_is_taken_before_it_is_told(desk: Desk) -> None:
    card = Card()
    card.decide()
    taken = desk.take([event(card, 1)], NOW)
    assert (sent(desk), desk.waiting) == ([], 0)
    desk.tell(taken)
    assert desk.waiting == 1


def test_a_kind_of_event_that_nobody_knows_is_stored_and_confirmed(desk: Desk) -> None:
    card = Card()
    card.decide()
    body = json.dumps(json.loads(card.bodies[0]) | {"type": "qrgate.weather", "dataschema": "urn:qrgate:weather:2", "severity": 3}).encode()
    (found,) = said(desk, Message(card.topics.said("event/weather"), body))
    assert (found.topic, desk.tally.stored) == (card.topics.confirmation, 1)


def test_whoever_asks_for_the_time_gets_it_signed_and_bound_to_his_question(desk: Desk) -> None:
    before_ms = int(datetime.now(UTC).timestamp() * 1000)
    (answer,) = said(desk, Message(Card().topics.said("request/time"), signed_time.encode(QUESTION)))
    told = ordered(answer.body)
    assert (answer.topic, answer.retain) == (Card().topics.command("time"), False)
    assert (told.gate, told.boot, told.challenge) == ("g-a", "boot-1", QUESTION.challenge)
    assert isinstance(told.deed, SetTime)
    assert before_ms <= told.deed.utc_ms <= datetime.now(UTC).timestamp() * 1000 + 1


@pytest.mark.parametrize("body", [b"", b"\xff" * 300, signed_time.encode(Question("g-b", "boot-1", b"\x05" * 16))])
def test_what_is_no_question_of_this_gate_is_not_answered(desk: Desk, body: bytes) -> None:
    assert said(desk, Message(Card().topics.said("request/time"), body)) == []
    assert sum(desk.tally.ignored.values()) == 1


def test_a_machine_whose_clock_is_not_vouched_for_tells_no_time(archive: Archive, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(settings(tmp_path, trusted=False), archive, key(7))
    assert said(desk, *[Message(Card().topics.said("request/time"), signed_time.encode(QUESTION))] * 3) == []
    assert [record.message for record in caplog.records] == [
        "gates ask for the time; where this machine's clock is kept right, [clock] trusted = true in recorder.toml answers"
    ]


def test_a_second_device_is_noted_once_and_again_for_every_new_connection(desk: Desk) -> None:
    card = Card()
    copied = card.stolen()
    card.decide()
    copied.decide(other=True)
    note, *_ = said(desk, event(card, 1), event(copied, 1), event(copied, 1))
    assert (note.topic, note.retain, [each["what"] for each in json.loads(note.body)["alarms"]]) == (card.topics.note, True, ["other_bytes"])
    desk.greet()
    assert sent(desk) == [note]


def test_what_an_operator_accepts_is_taken_back_and_its_new_key_believed(desk: Desk, archive: Archive, tmp_path: Path) -> None:
    anew = Card(key=key(2), epoch="e2", boot="boot-2")
    said(desk, birth(Card()), birth(anew))
    assert accept(tmp_path / "events.sqlite", "g-a")
    desk.look(float("inf"))
    assert sent(desk)[:1] == [Outgoing(anew.topics.note, b'{"gate":"g-a","alarms":[]}', retain=True)]
    assert said(desk, birth(anew)) == []
    assert archive.register.gate(anew.topics).key == anew.public


def test_what_is_missing_for_long_is_noted_for_operators(desk: Desk) -> None:
    card = Card()
    for _ in range(3):
        card.decide()
    said(desk, birth(card), event(card, 1), event(card, 3))
    desk.look(time.monotonic() + desks.OVERDUE_S)
    (note,) = [each for each in sent(desk) if each.topic == card.topics.note]
    assert [each["what"] for each in json.loads(note.body)["alarms"]] == ["still_missing"]


def test_what_is_taken_a_second_time_is_counted_once(desk: Desk, archive: Archive, tmp_path: Path) -> None:
    card = Card()
    card.decide()
    messages = [event(card, 1), Message(card.topics.said("event/decision"), b"{")]
    archive.database.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TryAgainError, match="locked"):
            desk.take(messages, NOW)
    desk.take(messages, NOW)
    assert (desk.tally.stored, sum(desk.tally.ignored.values())) == (1, 1)


def test_what_is_missing_is_asked_for_with_a_signed_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "GAPS_S", 0.0)
    card = Card()
    for _ in range(3):
        card.decide()
    said(desk, birth(card), event(card, 3))
    for now_s in (time.monotonic(), time.monotonic() + PATIENCE_S):
        desk.look(now_s)
    question = next(each for each in sent(desk) if each.topic == card.topics.command("challenge"))
    reply = asking.encode_reply({"gate": "g-a", "outcome": "challenge"} | asking.challenge_reply(Challenge("boot-1", b"\x07" * 16, 60)))
    answered = Message(card.topics.said(asking.reply_topic(asking.decode_ask(question.body).id)), reply)
    # The desk's own clock says that the challenge, asked for in three minutes' time, is still good.
    (found,) = said(desk, answered)
    assert (found.topic, ordered(found.body).deed) == (card.topics.command("replay"), Replay(EPOCH, ((1, 2),)))
    assert said(desk, answered) == []


def test_what_finds_no_room_among_the_confirmations_of_its_gate_is_told(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    one = Card().decide()
    desk.tell(Taken([dataclasses.replace(one, sequence=2 * each) for each in range(1, GATE_MAX + 3)], []))
    told = "2 events are confirmed when their gates send them again: too many of theirs wait already"
    assert (desk.waiting, caplog.messages) == (GATE_MAX, [told])


@pytest.mark.parametrize("rest", ["reply/none", "reply/" + "0f" * 16, "request/dance", "health", "event/decision/more"])
def test_what_is_for_somebody_else_or_nothing_at_all_is_left_alone(desk: Desk, rest: str) -> None:
    assert said(desk, Message(Card().topics.said(rest), b"\xff")) == []


@pytest.mark.parametrize("place", ["+", "#", "a b", "S-999", ""])
def test_a_question_from_a_place_that_cannot_be_is_not_answered(desk: Desk, place: str) -> None:
    assert said(desk, Message(f"qg/v1/{PROVINCE}/{place}/g-a/request/time", signed_time.encode(QUESTION))) == []


DEPTHS = range(1, 2001)


def deeper(body: bytes, levels: int) -> bytes:
    """``body``, an object, with one more field: so many lists within each other."""
    return body[:-1] + b',"nest":' + b"[" * levels + b"]" * levels + b"}"


def test_no_depth_of_a_message_stops_the_recorder_nor_keeps_others_waiting(desk: Desk) -> None:
    """Events, the same places with other bytes, and births that make the recorder look at what stands there."""
    deep, honest = Card("g-b"), Card("g-a")
    for card in [honest] * 3 + [deep] * len(DEPTHS):
        card.decide()
    events = [Message(deep.topic(1), deeper(deep.bodies[levels - 1], levels)) for levels in DEPTHS]
    others = [Message(each.topic, each.body + b" ") for each in events]
    births = [deep.birth_body(boot=f"boot-{levels}", last_sequence=levels - 1) for levels in DEPTHS]
    states = [Message(deep.topics.said("state"), deeper(body, levels)) for body, levels in zip(births, DEPTHS, strict=True)]
    safe = [len(desk.take([*batch, event(honest, place)], NOW).safe) for place, batch in enumerate((events, others, states), 1)]
    shallow = NESTED_MAX - 1
    assert safe == [shallow + 1, shallow + 1, 1]
    assert desk.tally.ignored == {"nested too deep": 3 * (len(DEPTHS) - shallow)}


@given(
    st.sampled_from(["state", "request/time", "reply/" + "0f" * 16, "event/decision", "event/void", "event/weather"]),
    st.binary() | st.text().map(str.encode),
)
def test_no_bytes_stop_the_recorder_or_make_it_say_anything(rest: str, body: bytes) -> None:
    with TemporaryDirectory() as folder, Archive(Path(folder) / "events.sqlite") as archive:
        assert said(Desk(settings(Path(folder), trusted=True), archive, key(7)), Message(Card().topics.said(rest), body)) == []
