from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.admission import list_file
from device.admission.list_file import Base, Head, ListError, Manifest, Unfit
from device.admission.lists import HASH_BYTES, ListKind
from device.events.cose import sign1
from tests.lists import Province, persons

PROVINCE = Province()
BODY = PROVINCE.body(persons(range(50)))
FULL = PROVINCE.manifest(
    ListKind.DECLARED,
    8,
    BODY,
    sites=("s-999", "s-998"),
    base=Base(7, b"\x07" * 32),
    members=(BODY[:12], BODY[-12:]),
    strangers=(b"?" * HASH_BYTES,),
)
FILE = PROVINCE.signed(FULL, BODY)


def why(wrong: pytest.ExceptionInfo[ListError]) -> Unfit:
    return wrong.value.why


def read(content: bytes) -> Manifest:
    return list_file.proven(list_file.read_head(content).envelope, PROVINCE.key.public_key())


@pytest.mark.parametrize("manifest", [FULL, PROVINCE.manifest(ListKind.DENY, 1, b"")])
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    assert list_file.decode(list_file.encode(manifest)) == manifest


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_is_read_as_it_was_written(whole: bool) -> None:
    content = PROVINCE.signed(FULL, BODY, whole=whole)
    head = list_file.read_head(content)
    assert (head, content[head.body_at :]) == (Head(whole, head.envelope, len(content) - len(BODY)), BODY)
    assert read(content) == FULL


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: FILE[:8] + rest))
def test_any_bytes_are_a_head_or_a_typed_refusal(content: bytes) -> None:
    try:
        head = list_file.read_head(content)
    except ListError as error:
        outcome = error.why is Unfit.NOT_A_LIST
    else:
        outcome = content[head.body_at - len(head.envelope) : head.body_at] == head.envelope
    assert outcome


@given(st.binary(max_size=300))
def test_any_signed_bytes_are_a_manifest_or_a_typed_refusal(payload: bytes) -> None:
    try:
        outcome = list_file.encode(list_file.decode(payload)) == payload
    except ListError as error:
        outcome = error.why is Unfit.NOT_A_LIST
    assert outcome


def test_a_bit_turned_anywhere_in_the_head_is_refused() -> None:
    end = list_file.read_head(FILE).body_at
    for at in range(8 * end):
        turned = bytearray(FILE[:end])
        turned[at // 8] ^= 1 << at % 8
        if bytes(turned[:8]) == list_file.CHANGES:  # F and D differ in one bit; the records do not fit then
            continue
        with pytest.raises(ListError) as wrong:
            read(bytes(turned))
        assert why(wrong) in {Unfit.NOT_A_LIST, Unfit.FORGED}


def test_a_head_cut_short_anywhere_is_refused() -> None:
    end = list_file.read_head(FILE).body_at
    for length in range(end):
        with pytest.raises(ListError) as wrong:
            read(FILE[:length])
        assert why(wrong) is Unfit.NOT_A_LIST


def test_a_signature_for_another_purpose_is_worthless() -> None:
    envelope = sign1(PROVINCE.key, list_file.encode(FULL), context=b"qrgate-confirmation-v1")
    with pytest.raises(ListError) as wrong:
        list_file.proven(envelope, PROVINCE.key.public_key())
    assert why(wrong) is Unfit.FORGED


@pytest.mark.parametrize(
    "impossible",
    [
        {"province": 1},
        {"sites": ("s",) * 101},
        {"sites": (1,)},
        {"key_id": b"short"},
        {"key_id": "8 signs!"},
        {"version": 0},
        {"version": True},
        {"version": 2**63},
        {"issued_s": -1},
        {"valid_for_s": 0},
        {"valid_for_s": 367 * 86_400},
        {"entries": 1_000_001},
        {"entries": -1},
        {"digest": b""},
        {"base": Base(8, b"\x07" * 32)},
        {"base": Base(7, b"")},
        {"members": (b"short",)},
        {"members": (BODY[:12],) * 17},
        {"strangers": (BODY[:12],)},
    ],
    ids=str,
)
def test_an_impossible_manifest_is_none(impossible: dict[str, Any]) -> None:
    with pytest.raises(ListError) as wrong:
        list_file.decode(list_file.encode(replace(FULL, **impossible)))
    assert why(wrong) is Unfit.NOT_A_LIST


def test_a_manifest_has_one_spelling() -> None:
    payload = list_file.encode(FULL)
    values = cbor2.loads(payload)
    others = [[*values, 1], values[:-1], ["gossip", *values[1:]], [*values[:2], "s-999", *values[3:]], [*values[:9], 7, *values[10:]], {}, 1]
    for other in [payload + b"\0", *(cbor2.dumps(each) for each in others)]:
        with pytest.raises(ListError):
            list_file.decode(other)


@pytest.mark.parametrize(
    ("manifest", "mine"),
    [
        (PROVINCE.manifest(ListKind.DENY, 1, b""), True),
        (PROVINCE.manifest(ListKind.DENY, 1, b"", sites=("s-998", "s-999")), True),
        (PROVINCE.manifest(ListKind.DENY, 1, b"", sites=("s-998",)), False),
        (PROVINCE.manifest(ListKind.DENY, 1, b"", province="p-998"), False),
    ],
)
def test_a_list_is_for_a_province_or_for_some_of_its_sites(manifest: Manifest, mine: bool) -> None:
    assert manifest.is_for("p-999", "s-999") is mine


def test_the_records_that_were_signed_are_proven() -> None:
    list_file.prove_body(FULL, BODY)
    list_file.prove_body(FULL, memoryview(BODY))


@pytest.mark.parametrize(
    ("manifest", "body"),
    [
        pytest.param(FULL, BODY[:-12], id="one missing"),
        pytest.param(FULL, BODY[:-1] + b"\x01", id="one changed"),
        pytest.param(PROVINCE.manifest(ListKind.DENY, 1, BODY[12:24] + BODY[:12]), BODY[12:24] + BODY[:12], id="out of order"),
        pytest.param(PROVINCE.manifest(ListKind.DENY, 1, BODY[:12] * 2), BODY[:12] * 2, id="twice"),
        pytest.param(PROVINCE.manifest(ListKind.DENY, 1, BODY[:11] + b"\x01"), BODY[:11] + b"\x01", id="deny says no more than deny"),
        pytest.param(replace(FULL, members=(BODY[:11] + b"\x01",)), BODY, id="a member with another value"),
        pytest.param(replace(FULL, members=(b"?" * 12,)), BODY, id="a member who is missing"),
        pytest.param(replace(FULL, strangers=(BODY[:11],)), BODY, id="a stranger who is there"),
    ],
)
def test_other_records_are_damaged(manifest: Manifest, body: bytes) -> None:
    with pytest.raises(ListError) as wrong:
        list_file.prove_body(manifest, body)
    assert why(wrong) is Unfit.DAMAGED


def test_what_gates_and_offices_agreed_on_stays_as_it_is() -> None:
    told = "not_a_list forged for_others other_key not_newer wrong_base damaged too_large no_room disk checker_died too_slow busy"
    assert [each.value for each in Unfit] == told.split()
    assert (list_file.CONTEXT, list_file.WHOLE, list_file.CHANGES) == (b"qrgate-list-v1", b"QGLIST1F", b"QGLIST1D")
    assert (list_file.HEAD_MAX, list_file.FILE_MAX) == (12 + 8 * 1024, 12 + 8 * 1024 + 24_000_000)
    assert (range(1, 2**63), range(2**40)) == (list_file.NUMBERS, list_file.SECONDS)
    assert (range(1, 31_622_401), 100, 16) == (list_file.VALID_FOR_S, list_file.SITES_MAX, list_file.GOLDEN_MAX)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"QGLIST1F" + b"\0" * 3, "it is too short to be a list"),
        (b"QGLIST1X" + b"\0" * 4, "it does not begin like a list"),
        (b"QGLIST1F" + (8 * 1024 + 1).to_bytes(4, "big") + bytes(9000), "its manifest has no possible length"),
        (b"QGLIST1F" + (5).to_bytes(4, "big") + bytes(4), "its manifest has no possible length"),
    ],
)
def test_a_head_that_is_none_is_told_in_words(content: bytes, what: str) -> None:
    with pytest.raises(ListError) as caught:
        list_file.read_head(content)
    assert (caught.value.why, caught.value.what) == (Unfit.NOT_A_LIST, what)


@pytest.mark.parametrize(("form", "whole"), [(b"QGLIST1F", True), (b"QGLIST1D", False)])
def test_the_shortest_and_the_longest_head_are_read(form: bytes, whole: bool) -> None:
    assert list_file.read_head(form + bytes(4)) == Head(whole, b"", 12)
    longest = bytes(8 * 1024)
    assert list_file.read_head(form + (8 * 1024).to_bytes(4, "big") + longest + b"more") == Head(whole, longest, 12 + 8 * 1024)
