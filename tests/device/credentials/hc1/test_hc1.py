from __future__ import annotations

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.credentials import SIGNED, UNSIGNED, Trust, hc1, read
from device.credentials.hc1.base45 import ALPHABET
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof
from tests.device.credentials.hc1.issuer import EXPIRES_S, ISSUED_S, HealthIssuer, certificate, claims, text, to_base45

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=400)
OURS = HealthIssuer()
GOOD = OURS.issue()
INSIDE = OURS.message(cbor2.dumps(claims(certificate())))


def test_a_certificate_of_a_trusted_signer_is_proven() -> None:
    shown = read(GOOD, OURS.trust)
    assert isinstance(shown, Credential)
    assert (shown.kind, shown.proof, shown.person_key) == (CredentialKind.HC1, Proof.PROVEN, b"uvci:URN:UVCI:01:VN:999000000001#A")
    assert (shown.valid_from_s, shown.valid_until_s) == (ISSUED_S, EXPIRES_S + 1)
    assert shown.health == {key: value for key, value in certificate().items() if key != "nam"}


def test_no_other_format_takes_it() -> None:
    assert [detect for detect, _ in (*SIGNED, *UNSIGNED) if detect(GOOD)] == [hc1.detect]


def test_without_anybody_to_trust_nothing_is_proven() -> None:
    shown = read(GOOD, Trust())
    assert isinstance(shown, Credential)
    assert shown.proof is Proof.UNKNOWN_ISSUER


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"HC1:", NotACredential(Misread.MALFORMED)),
        (b"HC1:" + b"0" * 4000, NotACredential(Misread.MALFORMED)),
        (b"HC1" + GOOD[4:], NotACredential(Misread.OTHER)),
        (b"HC2" + GOOD[3:], NotACredential(Misread.UNSUPPORTED)),
        (b"hc1" + GOOD[3:], NotACredential(Misread.OTHER)),
        (b"HL0" + GOOD[3:], NotACredential(Misread.OTHER)),
        (b" " + GOOD, NotACredential(Misread.OTHER)),
        (GOOD + b"\r\n", NotACredential(Misread.MALFORMED)),
    ],
    ids=["nothing behind it", "zeros behind it", "no colon", "a later version", "small letters", "another context", "a blank before", "a line end"],
)
def test_what_only_looks_like_one_has_its_own_answer(payload: bytes, expected: NotACredential) -> None:
    assert read(payload, OURS.trust) == expected


def test_a_blank_inside_is_a_letter_and_is_kept() -> None:
    """Cut away or doubled, as texts are cleaned elsewhere, it is another certificate or none."""
    payload = next(each for number in range(99) if b"  " in (each := OURS.issue(certificate("v", ci=f"URN:UVCI:01:VN:999{number}"))))
    at = payload.index(b"  ")
    shown = [read(each, OURS.trust) for each in (payload, payload[:at] + payload[at + 1 :], payload.replace(b" ", b""))]
    assert [isinstance(each, Credential) for each in shown] == [True, False, False]


# --- nothing but the issuer's own text is proven ---------------------------------------------------------------


def proven(payload: bytes) -> bool:
    shown = hc1.read(payload, OURS.trust)
    assert isinstance(shown, Credential | NotACredential)
    return isinstance(shown, Credential) and shown.proof is Proof.PROVEN


def test_a_certificate_cut_short_is_never_proven() -> None:
    assert [length for length in range(len(GOOD)) if proven(GOOD[:length])] == []


def test_a_certificate_with_one_byte_changed_is_never_proven() -> None:
    """To every letter of base45 and to bytes that are none."""
    others = [*ALPHABET, 0, 10, ord("a"), 0xFF]
    changed = [(at, other) for at in range(len(GOOD)) for other in others if other != GOOD[at]]
    assert len(changed) > 45 * len(GOOD)
    assert [(at, other) for at, other in changed if proven(GOOD[:at] + bytes([other]) + GOOD[at + 1 :])] == []


def test_a_message_with_one_bit_changed_is_never_proven() -> None:
    """Past zlib's checksum, which finds most changes of the text."""
    flipped = [(int.from_bytes(INSIDE, "big") ^ 1 << bit).to_bytes(len(INSIDE), "big") for bit in range(8 * len(INSIDE))]
    assert proven(text(INSIDE))
    assert [bit for bit, each in enumerate(flipped) if proven(text(each))] == []


# --- any bytes -------------------------------------------------------------------------------------------------


def _torn(data: bytes) -> st.SearchStrategy[bytes]:
    return st.builds(lambda at, size, new: data[:at] + new + data[at + size :], st.integers(0, len(data)), st.integers(0, 4), st.binary(max_size=4))


ANY = (
    st.binary(max_size=300)
    | st.binary(max_size=300).map(lambda each: b"HC1:" + each)
    | st.binary(max_size=300).map(lambda each: b"HC1:" + to_base45(each))
    | _torn(GOOD)
    | _torn(INSIDE).map(text)
)


@SEEDED
@given(ANY)
def test_any_bytes_are_a_credential_or_a_typed_refusal(payload: bytes) -> None:
    assert type(hc1.read(payload, OURS.trust)) in {Credential, NotACredential}


@SEEDED
@given(_torn(INSIDE))
def test_what_was_not_signed_is_not_proven(message: bytes) -> None:
    assert proven(text(message)) is (message == INSIDE)
