from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device.admission.presentations import IN_VIEW_MAX, Presentation, Presentations, Remembered
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof, Track, TrackState

MS = 1_000_000
SETTLE_NS = 500 * MS


def read(payload: bytes) -> Credential | NotACredential:
    """Capital letters are passes, small ones payment codes and posters."""
    if payload.isupper():
        return Credential(CredentialKind.KD1, Proof.PROVEN, payload)
    return NotACredential(Misread.PAYMENT)


def fingerprint(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()


def presentations(remembered: list[Remembered] | None = None) -> Presentations:
    return Presentations(read=read, fingerprint=fingerprint, settle_ns=SETTLE_NS, remembered=remembered or [])


class Lane:
    """A reader as the gate hears it, and the gate's memory. ``step`` plays one row of a scenario and tells what is to be decided.

    Rows are views: ``A`` is read in this frame, ``~A`` is still followed but was not read, ``-A`` left with this view. Or they are
    what happens otherwise: the time passes (``due``), the reader's link breaks (``lost``), the reader starts again (``new reader``),
    a code went and came while nobody listened (``unheard``), the gate starts again (``new gate``), nothing could be recorded (``take back``).
    """

    def __init__(self) -> None:
        self.gate = presentations()
        self.tracks: dict[str, Track] = {}
        self.handed_out: list[Presentation] = []
        self.readers = self.made = 0

    def step(self, at_ms: int, what: str) -> str:
        now_ns = at_ms * MS
        ready: list[Presentation] = []
        match what:
            case "due":
                ready = self.gate.due(now_ns)
            case "lost":
                self.gate.reader_lost()
            case "new reader":
                self.readers += 1
                self.tracks.clear()
            case "unheard":
                self.tracks.clear()
            case "new gate":
                tracks = [(track, each.id) for each in self.handed_out for track in each.tracks]
                self.gate = presentations([Remembered(track.id, id_, fingerprint(track.payload)) for track, id_ in tracks])
            case "take back":
                self.gate.take_back(self.handed_out[-1], now_ns)
            case _:
                ready = self.gate.look([self._track(token, now_ns) for token in what.split()], now_ns)
                self.tracks = {name: track for name, track in self.tracks.items() if name in what and f"-{name}" not in what}
        self.handed_out += ready
        return ", ".join("+".join(track.payload.decode() for track in each.tracks) + "!" * each.several for each in ready)

    def _track(self, token: str, now_ns: int) -> Track:
        name = token[-1]
        if name not in self.tracks:
            self.made += 1
            id_ = f"{self.readers:08x}-{self.made}"
            self.tracks[name] = Track(id_, TrackState.APPEARED, name.encode(), self.made, now_ns, now_ns + 1, now_ns, "half")
        elif token == name:
            self.tracks[name] = replace(self.tracks[name], state=TrackState.STILL, last_seen_ns=now_ns)
        return replace(self.tracks[name], state=TrackState.LEFT) if token.startswith("-") else self.tracks[name]


# Each row: milliseconds, what happens, what is to be decided now: codes of one presentation joined by +, several persons marked !
SCENARIOS: dict[str, list[tuple[int, str, str]]] = {
    # --- one person
    "held up for seconds is one": [(0, "A", "A"), (33, "A", ""), (5000, "A", ""), (5500, "~A", ""), (9000, "A", ""), (9600, "-A", "")],
    "coming back is a second": [(0, "A", "A"), (600, "-A", ""), (700, "A", "A"), (800, "A", "")],
    "coming back after a view was lost is a second": [(0, "A", "A"), (600, "", ""), (700, "A", "A")],
    "nobody": [(0, "", ""), (500, "due", ""), (1000, "", "")],
    # --- two persons
    "two at once are one, refused": [(0, "A B", "A+B!"), (100, "A B", ""), (2000, "A B", "")],
    "two at once, one stays": [(0, "A B", "A+B!"), (600, "A -B", ""), (900, "A", "")],
    "two at once, then one by one": [(0, "A B", "A+B!"), (600, "-A -B", ""), (700, "A", "A"), (1300, "-A", ""), (1400, "B", "B")],
    "a second beside a first that is still read": [(0, "A", "A"), (300, "A B", "B!"), (400, "A B", "")],
    "two more beside the first": [(0, "A", "A"), (300, "A B C", "B+C!")],
    "the next person 0.3 s after the former": [(0, "A", "A"), (300, "~A B", "B"), (600, "-A B", "")],
    "the next person as the former leaves": [(0, "A", "A"), (600, "-A B", "B")],
    "two persons read in turn are two": [(0, "A", "A"), (50, "~A B", "B"), (100, "A ~B", ""), (150, "~A B", "")],
    # --- a code that is no credential
    "a payment code alone after a moment": [(0, "p", ""), (100, "p", ""), (499, "due", ""), (500, "due", "p"), (501, "due", ""), (600, "p", "")],
    "a payment code alone, told by a view": [(0, "p", ""), (499, "p", ""), (500, "p", "p"), (600, "p", ""), (1200, "-p", "")],
    "a payment code that leaves before": [(0, "p", ""), (300, "-p", "p"), (500, "due", "")],
    "a payment code that is gone before": [(0, "p", ""), (300, "", "p"), (500, "due", "")],
    "a payment code, then the pass beside it": [
        (0, "p", ""),
        (300, "p A", "A"),
        (500, "due", ""),
        (900, "p A", ""),
        (1500, "p -A", ""),
        (2500, "p", ""),
    ],
    "the pass, then a payment code beside it": [(0, "A", "A"), (300, "A p", ""), (800, "due", ""), (900, "A p", ""), (1500, "-A -p", "")],
    "both at once": [(0, "p A", "A"), (500, "due", ""), (900, "p A", "")],
    "two passes and a payment code": [(0, "A p B", "A+B!"), (500, "due", ""), (900, "A p B", "")],
    "a payment code that makes room for the pass": [(0, "p", ""), (300, "-p A", "A"), (800, "due", "")],
    "a payment code that is gone as the pass comes": [(0, "p", ""), (300, "A", "A"), (800, "due", "")],
    "the next person's payment code beside nobody": [(0, "A", "A"), (300, "~A p", ""), (600, "-A p", ""), (800, "due", "p")],
    "the next person's payment code and pass": [(0, "A", "A"), (300, "~A p", ""), (400, "~A p B", "B"), (800, "due", ""), (900, "p B", "")],
    "two payment codes are one refusal": [(0, "p", ""), (300, "p q", ""), (500, "due", "p+q"), (800, "due", ""), (900, "p q", "")],
    "a payment code that leaves takes its neighbour along": [(0, "p q", ""), (300, "p -q", "p+q"), (500, "due", "")],
    "one payment code after the other": [(0, "p", ""), (500, "due", "p"), (700, "p q", ""), (1199, "due", ""), (1200, "due", "q")],
    # --- a poster in the background
    "a person's code in view for ten seconds, on a wall or not, makes nobody wait": [
        (0, "A", "A"),
        (9999, "A B", "B!"),
        (9999, "A -B", ""),
        (10_000, "A C", "C"),
        (10_600, "A -C", ""),
        (11_000, "A D E", "D+E!"),
    ],
    "a poster never blocks": [(0, "p", ""), (500, "due", "p"), (1000, "p A", "A"), (1600, "p -A", ""), (9000, "p B", "B"), (9100, "p B", "")],
    "a poster that is never read alone is never refused": [
        (0, "p A", "A"),
        (600, "p -A", ""),
        (9000, "p", ""),
        (9100, "p B", "B"),
        (9700, "p -B", ""),
    ],
    "a poster between two persons at once": [(0, "p", ""), (500, "due", "p"), (900, "p A B", "A+B!")],
    # --- the reader's link or the reader itself
    "a link that comes back": [(0, "A", "A"), (100, "lost", ""), (900, "A", ""), (9000, "A", "")],
    "a link that comes back to another code": [(0, "A", "A"), (100, "lost", ""), (900, "B", "B")],
    "a living reader's new track is believed": [(0, "A", "A"), (100, "lost", ""), (700, "unheard", ""), (900, "A", "A")],
    "a restarted reader": [(0, "A", "A"), (100, "lost", ""), (900, "new reader", ""), (1000, "A", ""), (1600, "-A", ""), (1700, "A", "A")],
    "a restarted reader that sees it late": [(0, "A", "A"), (100, "lost", ""), (900, "new reader", ""), (1000, "", ""), (2999, "A", "")],
    "a restarted reader that sees it too late": [(0, "A", "A"), (100, "lost", ""), (900, "new reader", ""), (1000, "", ""), (3000, "A", "A")],
    "a restarted reader whose camera is slow": [
        (0, "A", "A"),
        (100, "lost", ""),
        (900, "new reader", ""),  # it says nothing about what is in view until it has seen something
        (7000, "A", ""),
        (7600, "-A", ""),
        (7700, "A", "A"),
    ],
    "a reader that was away for ten seconds": [(0, "A", "A"), (100, "lost", ""), (9000, "new reader", ""), (10_000, "A", "")],
    "the same person after a reader was away for longer": [(0, "A", "A"), (100, "lost", ""), (9000, "new reader", ""), (10_001, "A", "A")],
    "the same person an hour later": [(0, "A", "A"), (100, "lost", ""), (3_600_000, "new reader", ""), (3_600_100, "", ""), (3_601_000, "A", "A")],
    "a living reader that was long away": [(0, "A", "A"), (100, "lost", ""), (99_000, "A", "")],
    "a reader that dies again and again, and the same person later": [
        (0, "A", "A"),
        *(
            [
                (at_ms, what, "")
                for begun_ms in range(0, 16_000, 4000)
                for at_ms, what in ((begun_ms + 1, "lost"), (begun_ms + 2, "new reader"), (begun_ms + 3999, ""))
            ]
        ),
        (16_000, "A", "A"),
    ],
    "a restarted reader and another person": [(0, "A", "A"), (100, "lost", ""), (900, "new reader", ""), (1000, "B", "B"), (1100, "~B A", "")],
    "a reader that restarts twice": [(0, "A", "A"), *([(100, "lost", ""), (900, "new reader", ""), (1000, "A", "")] * 2), (9000, "A", "")],
    "a code comes twice after the restart": [(0, "A", "A"), (1, "lost", ""), (2, "new reader", ""), (3, "A", ""), (400, "-A", ""), (500, "A", "A")],
    "two at once over a restart": [(0, "A B", "A+B!"), (100, "lost", ""), (900, "new reader", ""), (1000, "B", ""), (1100, "B A", "")],
    "a refused payment code over a restart": [
        (0, "p", ""),
        (500, "due", "p"),
        (600, "lost", ""),
        (900, "new reader", ""),
        (1000, "p", ""),
        (1500, "due", ""),
    ],
    "a waiting payment code over a restart": [
        (0, "p", ""),
        (100, "lost", ""),
        (500, "due", ""),
        (900, "new reader", ""),
        (1000, "p", ""),
        (1500, "due", "p"),
    ],
    # --- the gate itself
    "a restarted gate": [(0, "A", "A"), (100, "new gate", ""), (900, "A", ""), (1500, "-A", ""), (1600, "A", "A")],
    "a restarted gate, long away": [(0, "A", "A"), (100, "new gate", ""), (60_000, "A", ""), (60_100, "A", "")],
    "a restarted gate and a living reader's new track": [(0, "A", "A"), (100, "new gate", ""), (700, "unheard", ""), (900, "A", "A")],
    "a restarted gate and a restarted reader": [
        (0, "A", "A"),
        (1, "new gate", ""),
        (2, "new reader", ""),
        (900, "A", ""),
        (1500, "-A", ""),
        (1600, "A", "A"),
    ],
    "a restarted gate that sees it too late": [(0, "A", "A"), (1, "new gate", ""), (2, "new reader", ""), (900, "", ""), (2900, "A", "A")],
    "a restarted gate and two at once": [(0, "A B", "A+B!"), (100, "new gate", ""), (900, "A B", ""), (1000, "A B", "")],
    "a restarted gate and the next person": [(0, "A", "A"), (100, "new gate", ""), (900, "B", "B")],
    "a restarted gate and a waiting payment code": [(0, "p", ""), (100, "new gate", ""), (900, "p", ""), (1400, "due", "p")],
    # --- nothing could be recorded
    "taken back, it is offered again": [(0, "A", "A"), (10, "take back", ""), (100, "A", "A"), (200, "A", "")],
    "taken back again and again": [(0, "A", "A"), *([(10, "take back", ""), (100, "A", "A")] * 5), (200, "A", "")],
    "taken back, it is not offered when it leaves": [(0, "A", "A"), (10, "take back", ""), (600, "-A", ""), (700, "A", "A")],
    "taken back, it is not offered when it is gone": [(0, "A", "A"), (10, "take back", ""), (600, "", ""), (700, "due", "")],
    "only what could not be recorded is taken back": [(0, "A", "A"), (10_000, "A B", "B"), (10_010, "take back", ""), (10_100, "A B", "B")],
    "taken back, it is decided by a restarted reader's track": [
        (0, "A", "A"),
        (1, "take back", ""),
        (2, "lost", ""),
        (3, "new reader", ""),
        (900, "A", "A"),
    ],
    "two taken back are two again": [(0, "A B", "A+B!"), (10, "take back", ""), (100, "A B", "A+B!"), (200, "A B", "")],
    "with a payment code beside it": [(0, "A p", "A"), (10, "take back", ""), (100, "A p", "A"), (1000, "due", ""), (1100, "A p", "")],
    "its payment code stays for the next": [(0, "A p", "A"), (10, "take back", ""), (600, "-A B p", "B"), (2000, "due", "")],
    "a payment code taken back": [(0, "p", ""), (500, "due", "p"), (510, "take back", ""), (1009, "due", ""), (1010, "due", "p"), (1100, "p", "")],
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_codes_become_presentations(scenario: list[tuple[int, str, str]]) -> None:
    lane = Lane()
    assert [(at_ms, what, lane.step(at_ms, what)) for at_ms, what, _ in scenario] == scenario


def test_a_presentation_is_named_for_its_first_track_and_knows_them_all() -> None:
    lane = Lane()
    lane.step(7, "p A B")
    a, b = (Track(f"00000000-{n}", TrackState.APPEARED, name, n, 7 * MS, 7 * MS + 1, 7 * MS, "half") for n, name in [(2, b"A"), (3, b"B")])
    assert lane.handed_out == [Presentation("00000000-2", a, Credential(CredentialKind.KD1, Proof.PROVEN, b"A"), several=True, tracks=(a, b))]


NEXT_DUE = {
    "nobody": ([(0, "")], None),
    "a pass waits for nothing": ([(0, "A")], None),
    "a payment code waits its moment": ([(100, "p")], 600),
    "the first of two": ([(100, "p"), (300, "p q")], 600),
    "beside a pass nothing waits": ([(100, "p"), (300, "p A")], None),
    "once refused nothing waits": ([(100, "p"), (600, "due")], None),
    "taken back it waits anew": ([(100, "p"), (600, "due"), (650, "take back")], 1150),
    "a lost reader's codes wait for nothing": ([(100, "p"), (300, "lost")], None),
}


@pytest.mark.parametrize(("steps", "due_ms"), NEXT_DUE.values(), ids=NEXT_DUE.keys())
def test_the_next_moment_by_time_alone_is_known(steps: list[tuple[int, str]], due_ms: int | None) -> None:
    lane = Lane()
    for at_ms, what in steps:
        lane.step(at_ms, what)
    assert lane.gate.next_due_ns() == (None if due_ms is None else due_ms * MS)


def test_a_wall_of_codes_is_bounded_and_each_is_still_decided_once() -> None:
    """Those for which there is no room wait in the reader's view until others have left."""
    lane = Lane()
    wall = "ABCDEFGHIJKLMNOPQRST"
    first = lane.step(0, " ".join(wall))
    full = len(lane.gate._codes)
    second = lane.step(600, " ".join(f"-{name}" for name in wall[:10]) + " " + " ".join(wall[10:]))
    third = lane.step(700, " ".join(wall[10:]))
    assert (first, full, second, third) == ("+".join(wall[:IN_VIEW_MAX]) + "!", IN_VIEW_MAX, "", "+".join(wall[IN_VIEW_MAX:]) + "!")


# --- whatever happens ------------------------------------------------------------------------------------------


class AnyReader(RuleBasedStateMachine):
    """A reader that sees, loses, restarts and reconnects as it likes, and a gate that restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane()
        self.now_ms = 0

    @rule(
        later_ms=st.sampled_from([0, 10, 100, 300, 499, 500, 700, 2500, 12_000]),
        tokens=st.lists(st.tuples(st.sampled_from(["", "", "", "~", "-"]), st.sampled_from("ABCpq")), max_size=5, unique_by=lambda token: token[1]),
    )
    def view(self, later_ms: int, tokens: list[tuple[str, str]]) -> None:
        self._step(later_ms, " ".join(mark + name for mark, name in tokens))

    @rule(later_ms=st.sampled_from([0, 499, 500, 501]))
    def time_passes(self, later_ms: int) -> None:
        self._step(later_ms, "due")

    @rule(what=st.sampled_from(["link", "reader", "gate", "both"]))
    def somebody_dies(self, what: str) -> None:
        self._step(1, "lost")
        if what in ("reader", "both"):
            self._step(1, "new reader")
        if what in ("gate", "both"):
            self._step(1, "new gate")

    def _step(self, later_ms: int, what: str) -> None:
        self.now_ms += later_ms
        self.lane.step(self.now_ms, what)

    @invariant()
    def each_track_is_handed_out_at_most_once(self) -> None:
        ids = [track.id for each in self.lane.handed_out for track in each.tracks]
        assert sorted(set(ids)) == sorted(ids)

    @invariant()
    def a_presentation_is_of_persons_or_of_none(self) -> None:
        kinds = [{track.payload.isupper() for track in each.tracks} for each in self.lane.handed_out]
        assert [kind for kind in kinds if len(kind) != 1] == []

    @invariant()
    def several_are_persons_and_one_person_alone_was_not_beside_another(self) -> None:
        assert [each for each in self.lane.handed_out if each.several and each.track.payload.islower()] == []
        assert [each for each in self.lane.handed_out if not each.several and each.track.payload.isupper() and len(each.tracks) > 1] == []

    @invariant()
    def no_person_in_view_waits(self) -> None:
        assert [code for code in self.lane.gate._codes.values() if code.is_person and code.presentation is None] == []

    @invariant()
    def nothing_waits_longer_than_its_moment(self) -> None:
        due_ns = self.lane.gate.next_due_ns()
        assert due_ns is None or due_ns <= self.now_ms * MS + SETTLE_NS

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.lane.gate._codes) <= IN_VIEW_MAX


AnyReader.TestCase.settings = settings(derandomize=True, database=None, deadline=None, max_examples=150, stateful_step_count=25)
TestAnyReader = AnyReader.TestCase


def hand(number: int, now_ns: int, appeared_ns: int = 0) -> Track:
    """One of several hands that hold up the same pass."""
    return Track(f"0badcafe-{number}", TrackState.STILL, b"A", number, appeared_ns, appeared_ns + 1, now_ns, "half")


def test_the_same_code_in_two_hands_at_once_is_one_presentation_refused() -> None:
    (presentation,) = presentations().look([hand(1, 0), hand(2, 0)], 0)
    assert ([track.id for track in presentation.tracks], presentation.several) == (["0badcafe-1", "0badcafe-2"], True)


def test_a_second_hand_with_the_code_of_the_first_is_told_one_at_a_time() -> None:
    gate = presentations()
    (first,) = gate.look([hand(1, 0)], 0)
    (second,) = gate.look([hand(1, 500 * MS), hand(2, 500 * MS, 500 * MS)], 500 * MS)
    assert (first.several, second.id, second.several) == (False, "0badcafe-2", True)
    assert gate.look([hand(2, 2_000 * MS, 500 * MS)], 2_000 * MS) == []  # it was refused; it is to leave and come again
