from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.credentials import shc
from device.credentials.base64url import to_base64url
from device.credentials.shc import UNPACKED_MAX
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof
from tests.cards import CardIssuer, as_digits, packed

MALFORMED, PARTIAL, UNSUPPORTED = (NotACredential(each) for each in (Misread.MALFORMED, Misread.PARTIAL, Misread.UNSUPPORTED))

HOME, STRANGER = CardIssuer(), CardIssuer(kid="stranger")
ISSUERS = {HOME.name: HOME.key.public_key()}
CLAIMS = HOME.claims()
CARD = HOME.issue()
SIGNER = b"signer:" + HOME.kid.encode()


def person(claims: dict[str, Any]) -> bytes:
    written = json.dumps([claims["iss"], claims["vc"]["credentialSubject"]], sort_keys=True, separators=(",", ":"))
    return b"shc:" + hashlib.sha256(written.encode()).digest()


CREDENTIAL = Credential(CredentialKind.SHC, Proof.PROVEN, person(CLAIMS), valid_from_s=1_790_000_000, marks=(SIGNER,))


def proven(**changes: Any) -> dict[str, Any]:
    """Claims whose ``vc`` is changed."""
    return {**CLAIMS, "vc": {**CLAIMS["vc"], **changes}}


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in claims.items() if each != name}


def test_a_card_of_a_known_issuer_is_proven() -> None:
    assert (shc.detect(CARD), shc.read(CARD, ISSUERS)) == (True, CREDENTIAL)


def test_the_digits_are_those_of_the_specification() -> None:
    jws = b"eyJhbGciOiJFUzI1NiJ9.e30.AA"
    digits = b"567629595326546034602925407728043360291201560603012020"
    assert (shc.letters(digits), as_digits(jws)) == (jws, b"shc:/" + digits)
    assert shc.read(b"shc:/" + digits, ISSUERS) == MALFORMED


LIMITS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an end": ({**CLAIMS, "exp": 1_800_000_000}, {"valid_until_s": 1_800_000_000}),
    "times with fractions": ({**CLAIMS, "nbf": 1_790_000_000.75, "exp": 1_800_000_000.5}, {"valid_until_s": 1_800_000_000}),
    "an id of revocation": (proven(rid="MKyCxh7p6uQ"), {"marks": (b"card:" + HOME.kid.encode() + b":MKyCxh7p6uQ", SIGNER)}),
    "a claim that is new": ({**CLAIMS, "aud": "anybody"}, {}),
    "issued anew, a day later": ({**CLAIMS, "nbf": 1_790_086_400}, {"valid_from_s": 1_790_086_400}),
}


@pytest.mark.parametrize(("claims", "limits"), LIMITS.values(), ids=LIMITS.keys())
def test_a_card_is_proven_with_its_limits_and_stays_one_person(claims: dict[str, Any], limits: dict[str, Any]) -> None:
    assert shc.read(HOME.issue(claims), ISSUERS) == replace(CREDENTIAL, **limits)


def test_two_records_are_two_persons_and_so_is_one_record_of_two_issuers() -> None:
    other = proven(credentialSubject={"fhirVersion": "4.0.1", "fhirBundle": {}})
    elsewhere = {**CLAIMS, "iss": "https://other.example.vn"}
    keys = [shown.person_key for claims in (CLAIMS, other, elsewhere) if isinstance(shown := shc.read(HOME.issue(claims), ISSUERS), Credential)]
    assert keys == [person(CLAIMS), person(other), person(elsewhere)]
    assert len(set(keys)) == 3


# --- cards that are not proven ---------------------------------------------------------------------------------


@pytest.mark.parametrize("issuers", [{}, {STRANGER.name: HOME.key.public_key()}, {("https://other.example.vn", HOME.kid): HOME.key.public_key()}])
def test_an_issuer_is_known_by_its_link_and_key_id_together(issuers: Any) -> None:
    assert shc.read(CARD, issuers) == replace(CREDENTIAL, proof=Proof.UNKNOWN_ISSUER)


def test_a_stranger_in_the_issuers_name_is_a_forger() -> None:
    forged = CardIssuer(HOME.url, HOME.kid).issue()
    assert shc.read(forged, ISSUERS) == replace(CREDENTIAL, proof=Proof.FORGED)


def test_a_key_of_another_curve_proves_nothing() -> None:
    long = ec.generate_private_key(ec.SECP384R1()).public_key()
    assert shc.read(CARD, {HOME.name: long}) == replace(CREDENTIAL, proof=Proof.FORGED)


def test_a_signature_of_zeros_is_a_forgery() -> None:
    signed = shc.letters(CARD[5:]).rpartition(b".")[0]
    assert shc.read(as_digits(signed + b"." + to_base64url(bytes(64))), ISSUERS) == replace(CREDENTIAL, proof=Proof.FORGED)


def test_a_card_with_one_byte_changed_or_cut_short_is_never_proven() -> None:
    changed = [CARD[:at] + bytes([CARD[at] ^ mask]) + CARD[at + 1 :] for at in range(len(CARD)) for mask in (1, 3, 8, 0x80)]
    cut = [CARD[:length] for length in range(len(CARD))]
    shown = [shc.read(payload, ISSUERS) for payload in (*changed, *cut, CARD + b"0", CARD + b"00")]
    assert [each for each in shown if isinstance(each, Credential) and each.proof is Proof.PROVEN] == []
    assert MALFORMED in shown


# --- several symbols, and other cards --------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"shc:/1/2/5676", b"shc:/2/2/5676", b"shc:/10/12/00"])
def test_one_of_several_symbols_is_a_part(payload: bytes) -> None:
    assert shc.read(payload, ISSUERS) == PARTIAL


@pytest.mark.parametrize(
    "payload", [b"shc:/1/1/5676", b"shc:/3/2/5676", b"shc:/0/2/5676", b"shc:/1/2/", b"shc:/1/2/x", b"shc:/1/100/00", b"shc:/1/5676"]
)
def test_a_part_of_nothing_is_malformed(payload: bytes) -> None:
    assert shc.read(payload, ISSUERS) == MALFORMED


def test_a_signed_card_of_another_kind_is_told_as_such() -> None:
    assert shc.read(HOME.issue(proven(type=["VerifiableCredential"])), ISSUERS) == UNSUPPORTED


HEADER = {"alg": "ES256", "zip": "DEF", "kid": HOME.kid}
HEADERS: dict[str, Any] = {
    "no algorithm": without(HEADER, "alg"),
    "the algorithm none": {**HEADER, "alg": "none"},
    "an algorithm with a shared secret": {**HEADER, "alg": "HS256"},
    "a longer one": {**HEADER, "alg": "ES384"},
    "not compressed": without(HEADER, "zip"),
    "compressed otherwise": {**HEADER, "zip": "GZ"},
    "no key id": without(HEADER, "kid"),
    "a key id that is a number": {**HEADER, "kid": 1},
    "an empty key id": {**HEADER, "kid": ""},
    "a key that comes along": {**HEADER, "jwk": {}},
    "critical extensions": {**HEADER, "crit": ["b64"], "b64": False},
    "a list": ["alg", "zip", "kid"],
    "a number": 1,
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_has_one_form(header: Any) -> None:
    assert shc.read(HOME.issue(header=header), ISSUERS) == MALFORMED


CLAIMS_BROKEN: dict[str, Any] = {
    "no issuer": without(CLAIMS, "iss"),
    "an issuer that is a number": {**CLAIMS, "iss": 1},
    "an issuer without encryption": {**CLAIMS, "iss": "http://card.example.vn"},
    "an issuer that ends in a slash": {**CLAIMS, "iss": "https://card.example.vn/"},
    "an issuer with a blank": {**CLAIMS, "iss": "https://card.example.vn x"},
    "no beginning": without(CLAIMS, "nbf"),
    "a beginning that is a text": {**CLAIMS, "nbf": "2026"},
    "a beginning that is true": {**CLAIMS, "nbf": True},
    "a beginning before 1970": {**CLAIMS, "nbf": -1},
    "a beginning beyond all calendars": {**CLAIMS, "nbf": 2**40},
    "an end without end": {**CLAIMS, "exp": 1e999},
    "an end that is nothing": {**CLAIMS, "exp": None},
    "nothing proven": without(CLAIMS, "vc"),
    "a list proven": {**CLAIMS, "vc": []},
    "of no type": {**CLAIMS, "vc": without(CLAIMS["vc"], "type")},
    "of a type that is a number": proven(type=1),
    "about nobody": {**CLAIMS, "vc": without(CLAIMS["vc"], "credentialSubject")},
    "about a list": proven(credentialSubject=[]),
    "about nothing": proven(credentialSubject={"fhirVersion": "4.0.1"}),
    "an id of revocation that is a number": proven(rid=1),
    "an id of revocation with a blank": proven(rid="a b"),
    "a list": [],
    "a number": 1,
}


@pytest.mark.parametrize("claims", CLAIMS_BROKEN.values(), ids=CLAIMS_BROKEN.keys())
def test_claims_that_break_the_rules_are_malformed(claims: Any) -> None:
    assert shc.read(HOME.issue(claims), ISSUERS) == MALFORMED


WRITTEN = json.dumps(CLAIMS).encode()
HEAD = to_base64url(json.dumps(HEADER).encode())
BROKEN: dict[str, bytes] = {
    "nothing": b"shc:/",
    "an odd number of digits": CARD[:-1],
    "a pair for no letter": b"shc:/78" + CARD[5:],
    "a line end": CARD + b"\n",
    "a blank between digits": CARD[:7] + b" " + CARD[8:],
    "one part": as_digits(HEAD),
    "two parts": as_digits(HEAD + b"." + to_base64url(packed(WRITTEN))),
    "four parts": as_digits(HEAD + b"." + HEAD + b"." + shc.letters(CARD[5:])),
    "padding": as_digits(shc.letters(CARD[5:]).replace(b".", b"--.", 1)),
    "a signature of 63 bytes": as_digits(shc.letters(CARD[5:]).rpartition(b".")[0] + b"." + to_base64url(bytes(63))),
    "a header that is no JSON": HOME.seal(to_base64url(b"{") + b"." + to_base64url(packed(WRITTEN))),
    "a payload that is not compressed": HOME.sign(WRITTEN),
    "a payload with a zlib head": HOME.sign(b"\x78\x9c" + packed(WRITTEN)),
    "a payload cut short": HOME.sign(packed(WRITTEN)[:-1]),
    "bytes behind the payload": HOME.sign(packed(WRITTEN) + b"\x00"),
    "a payload that is no JSON": HOME.sign(packed(WRITTEN[:-1])),
    "a claim twice": HOME.sign(packed(WRITTEN[:-1] + b',"nbf":1790000000}')),
    "not a number": HOME.sign(packed(WRITTEN.replace(b"1790000000", b"NaN"))),
    "a nest of lists": HOME.sign(packed(WRITTEN.replace(b'"4.0.1"', b"[" * 30_000 + b"]" * 30_000))),
    "a bomb": HOME.sign(packed(WRITTEN + b" " * 2_000_000)),
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN.keys())
def test_a_card_has_one_form(payload: bytes) -> None:
    assert shc.read(payload, ISSUERS) == MALFORMED


@pytest.mark.parametrize("size", [UNPACKED_MAX, UNPACKED_MAX + 1])
def test_a_card_unpacks_to_at_most_16_kilobytes(size: int) -> None:
    shown = shc.read(HOME.sign(packed(WRITTEN.ljust(size))), ISSUERS)
    assert shown == (CREDENTIAL if size == UNPACKED_MAX else MALFORMED)
