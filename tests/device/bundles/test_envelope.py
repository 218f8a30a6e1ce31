from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.bundles import strict
from device.bundles.envelope import (
    BUNDLE_MAX,
    CONTEXT,
    Audience,
    Bundle,
    Kind,
    Place,
    Refusal,
    Refused,
    Standing,
    Version,
    judge_sequence,
    open_bundle,
    read_bundle,
    sign_bundle,
)
from device.errors import VerificationError
from device.events.cose import sign1

KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2))
HERE = Place("p-999", "s-999", "g-999")
EVERYBODY = Audience("p-999")
CONTENT = {"mode": "verify", "grants_a_minute": 20}
ISSUED_S, EXPIRES_S = 1_795_000_000, 1_796_000_000
SIGNED = sign_bundle(KEY, Kind.POLICY, EVERYBODY, CONTENT, seq=7, issued_s=ISSUED_S, expires_s=EXPIRES_S)
OPENED = Bundle(Kind.POLICY, EVERYBODY, Version(7, hashlib.sha256(SIGNED).digest()), ISSUED_S, EXPIRES_S, CONTENT)

GOLDEN = (
    "d28443a10127a05863a76176016373657107646b696e6466706f6c696379666973737565641a6afd86c067636f6e74656e74a2646d6f646566766572"
    "6966796f6772616e74735f615f6d696e7574651467657870697265731a6b0cc9006870726f76696e636565702d3939395840d317aae8842f8d2d4c99"
    "506523ae57e0b3198c117df29e18f4b5dd43d37d77e67fc0348e6d48192f7388227b45cf004e6c6322298b59f1ba1709d2a73ebd9501"
)


def opened(data: bytes, *, place: Place = HERE, passed_s: int = ISSUED_S, context: bytes = CONTEXT) -> Bundle | Refused:
    return open_bundle(data, KEY.public_key(), place=place, passed_s=passed_s, context=context)


def signed(**changes: Any) -> bytes:
    """A bundle as a careless office could sign it; a field that is ``None`` is left out."""
    header = {"v": 1, "kind": "policy", "province": "p-999", "seq": 7, "issued": ISSUED_S, "content": CONTENT} | changes
    return sign1(KEY, strict.encode({name: value for name, value in header.items() if value is not None}), context=CONTEXT)


def test_the_golden_bundle_is_written_as_it_always_was() -> None:
    assert SIGNED.hex() == GOLDEN


def test_what_was_signed_comes_out() -> None:
    assert opened(SIGNED) == OPENED


def test_a_content_may_be_bytes() -> None:
    bundle = opened(sign_bundle(KEY, Kind.TRUST, EVERYBODY, b"\x00\xff", seq=1, issued_s=1))
    assert isinstance(bundle, Bundle)
    assert (bundle.kind, bundle.content, bundle.expires_s) == (Kind.TRUST, b"\x00\xff", None)


AUDIENCES = {
    "the province": (EVERYBODY, True),
    "another province": (Audience("p-998"), False),
    "its site": (Audience("p-999", sites=("s-998", "s-999")), True),
    "another site": (Audience("p-999", sites=("s-998",)), False),
    "its gate": (Audience("p-999", gates=("g-999",)), True),
    "another gate": (Audience("p-999", gates=("g-998",)), False),
    "its site, and another gate": (Audience("p-999", sites=("s-999",), gates=("g-998",)), False),
    "its gate, elsewhere": (Audience("p-999", sites=("s-998",), gates=("g-999",)), False),
    "its gate, in another province": (Audience("p-998", gates=("g-999",)), False),
}


@pytest.mark.parametrize(("audience", "ours"), AUDIENCES.values(), ids=AUDIENCES.keys())
def test_a_bundle_is_for_whom_it_names(audience: Audience, ours: bool) -> None:
    found = opened(sign_bundle(KEY, Kind.POLICY, audience, CONTENT, seq=7, issued_s=ISSUED_S))
    assert (found == Refused(Refusal.NOT_FOR_US)) is not ours
    assert isinstance(found, Bundle) is ours


def test_a_bundle_ends_after_its_last_second() -> None:
    assert [opened(SIGNED, passed_s=moment_s) for moment_s in (EXPIRES_S, EXPIRES_S + 1)] == [OPENED, Refused(Refusal.EXPIRED)]


def test_a_bundle_without_an_end_never_expires() -> None:
    assert isinstance(opened(signed(), passed_s=2**40), Bundle)


def test_whom_it_is_for_does_not_matter_to_who_only_looks() -> None:
    assert read_bundle(SIGNED, KEY.public_key()) == OPENED


FORGED = {
    "another key": sign_bundle(OTHER_KEY, Kind.POLICY, EVERYBODY, CONTENT, seq=7, issued_s=ISSUED_S),
    "another purpose": sign_bundle(KEY, Kind.POLICY, EVERYBODY, CONTENT, seq=7, issued_s=ISSUED_S, context=b"qrgate-list-v1"),
    "a changed number": SIGNED.replace(b"cseq\x07", b"cseq\x08"),
    "cut short": SIGNED[:-1],
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED.keys())
def test_what_the_office_did_not_sign_is_forged(data: bytes) -> None:
    assert opened(data) == Refused(Refusal.FORGED)


def test_no_bit_may_change() -> None:
    for place in range(len(SIGNED)):
        changed = bytearray(SIGNED)
        changed[place] ^= 1 << place % 8
        assert isinstance(opened(bytes(changed)), Refused)


NO_BUNDLES = {
    "nothing": b"",
    "a picture": b"\x89PNG",
    "too long": SIGNED + bytes(BUNDLE_MAX),
    "no map": sign1(KEY, strict.encode([1]), context=CONTEXT),
    "no CBOR": sign1(KEY, b"\xff", context=CONTEXT),
    "no version": signed(v=None),
    "a version that is true": signed(v=True),
    "no sequence": signed(seq=None),
    "a sequence below 0": signed(seq=-1),
    "a sequence that is true": signed(seq=True),
    "no content": signed(content=None),
    "a content that is a list": signed(content=[]),
    "a name of a gate with a wildcard": signed(gates=["g/+"]),
    "a gate that is a number": signed(gates=[1]),
    "an empty list of gates": signed(gates=[]),
    "too many gates": signed(gates=["g"] * 1000),
    "no province": signed(province=""),
    "an end in a million years": signed(expires=2**45),
    "one field more": signed(note="hello"),
}


@pytest.mark.parametrize("data", NO_BUNDLES.values(), ids=NO_BUNDLES.keys())
def test_what_is_none_is_told_as_none(data: bytes) -> None:
    assert opened(data) == Refused(Refusal.NOT_A_BUNDLE)


@pytest.mark.parametrize("changes", [{"v": 2}, {"kind": "weather"}, {"kind": 7}, {"v": 2, "seq": "later"}])
def test_a_form_of_later_days_is_told_apart(changes: dict[str, Any]) -> None:
    assert opened(signed(**changes)) == Refused(Refusal.UNKNOWN_FORM)


OLD, NEW = Version(7, b"a" * 32), Version(8, b"b" * 32)
SEQUENCES = {
    "the first": (None, OLD, Standing.NEW),
    "a later one": (OLD, NEW, Standing.NEW),
    "the same again": (OLD, OLD, Standing.SAME),
    "an earlier one": (NEW, OLD, Standing.OLDER),
    "another of the same number": (OLD, replace(OLD, digest=b"c" * 32), Standing.CONTRADICTS),
    "the same bytes under a later number": (OLD, replace(OLD, seq=9), Standing.NEW),
    "an earlier one from 0": (OLD, Version(0, OLD.digest), Standing.OLDER),
}


@pytest.mark.parametrize(("current", "new", "standing"), SEQUENCES.values(), ids=SEQUENCES.keys())
def test_numbers_rise(current: Version | None, new: Version, standing: Standing) -> None:
    assert judge_sequence(current, new) is standing


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ({"a": object()}, {}),
        ({1: 2}, {}),
        ({"a": float("nan")}, {}),
        (bytes(BUNDLE_MAX), {}),
        (CONTENT, {"seq": 2**64}),
        (CONTENT, {"issued_s": -1}),
    ],
)
def test_the_office_signs_nothing_that_no_gate_would_take(content: Any, more: dict[str, Any]) -> None:
    with pytest.raises(VerificationError):
        sign_bundle(KEY, Kind.POLICY, EVERYBODY, content, **({"seq": 1, "issued_s": 1} | more))


def test_a_name_that_is_no_id_is_not_signed() -> None:
    with pytest.raises(VerificationError):
        sign_bundle(KEY, Kind.POLICY, Audience("P/9"), CONTENT, seq=1, issued_s=1)


def test_a_content_is_not_shown() -> None:
    assert "verify" not in repr(OPENED)
