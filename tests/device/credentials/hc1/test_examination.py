from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from typing import Any

import cbor2
import pytest

from device.credentials import Trust
from device.credentials.hc1 import Check, Examined, examine, read
from device.credentials.hc1.examination import SIGNERS_MAX, UNFOLDED_MAX
from device.credentials.trust import HealthSigner
from device.domain import Credential, Misread, NotACredential, Proof
from tests.device.credentials.hc1.issuer import (
    BEGIN_S,
    END_S,
    ES256,
    EXPIRES_S,
    ISSUED_S,
    PS256,
    HealthIssuer,
    certificate,
    claims,
    text,
    to_base45,
)

OURS, STRANGER, BY_RSA = HealthIssuer(), HealthIssuer(2), HealthIssuer(by_rsa=True)
TESTS_ONLY, ALL_BUT_TESTS = (
    HealthIssuer(uses=["1.3.6.1.4.1.1847.2021.1.1"]),
    HealthIssuer(uses=[f"1.3.6.1.4.1.0.1847.2021.1.{use}" for use in (2, 3)]),
)
UVCI = b"URN:UVCI:01:VN:999000000001#A"
PAYLOAD = cbor2.dumps(claims(certificate()))
IN_ORDER = list(Check)


def credential(payload: bytes, trust: Trust = OURS.trust) -> Credential:
    shown = read(payload, trust)
    assert isinstance(shown, Credential)
    return shown


def proof(payload: bytes, trust: Trust = OURS.trust) -> Proof:
    return credential(payload, trust).proof


def sharing(*signers: HealthSigner) -> Trust:
    """Several signers under our key id."""
    return Trust(health={OURS.kid: signers})


# --- what is told of a good one --------------------------------------------------------------------------------


def test_every_check_of_a_good_certificate_holds() -> None:
    found = examine(OURS.issue(), OURS.trust)
    assert found == Examined(credential(OURS.issue()), dict.fromkeys(IN_ORDER, ""), OURS.kid, "VN", ISSUED_S, EXPIRES_S)
    assert found.checks == dict.fromkeys(IN_ORDER, True)


@pytest.mark.parametrize("issuer", [OURS, BY_RSA], ids=["ES256", "PS256"])
@pytest.mark.parametrize("tags", [(), (18,), (61, 18)], ids=["no tag", "COSE's tag", "both tags"])
@pytest.mark.parametrize("group", ["v", "t", "r"])
def test_every_way_to_write_one_is_read(issuer: HealthIssuer, tags: tuple[int, ...], group: str) -> None:
    payload = text(issuer.message(cbor2.dumps(claims(certificate(group))), tags=tags))
    assert proof(payload, issuer.trust) is Proof.PROVEN


def test_a_list_may_name_the_certificate_its_signer_its_country_or_a_hash_of_the_eu() -> None:
    message = OURS.message(PAYLOAD)
    r = cbor2.loads(message).value[3][:32]
    assert credential(text(message)).marks == (
        b"uvci:" + UVCI,
        b"signer:" + OURS.kid,
        b"country:VN",
        b"uci-hash:" + hashlib.sha256(UVCI).digest()[:16],
        b"country-uci-hash:" + hashlib.sha256(b"VN" + UVCI).digest()[:16],
        b"signature-hash:" + hashlib.sha256(r).digest()[:16],
    )


def test_a_certificate_about_another_country_is_found_under_both() -> None:
    marks = credential(OURS.issue(certificate(co="AT"))).marks
    hashes = [b"country-uci-hash:" + hashlib.sha256(country + UVCI).digest()[:16] for country in (b"AT", b"VN")]
    assert [mark for mark in marks if mark.startswith(b"country")] == [b"country:VN", *hashes]


def test_an_issuer_who_does_not_say_who_it_is_is_the_country_of_its_entry() -> None:
    marks = credential(OURS.issue(iss=None)).marks
    assert [mark for mark in marks if mark.startswith(b"country-")] == [b"country-uci-hash:" + hashlib.sha256(b"VN" + UVCI).digest()[:16]]


def test_a_stranger_speaks_for_no_country() -> None:
    assert [mark[:8] for mark in credential(STRANGER.issue()).marks] == [
        b"uvci:URN",
        b"signer:" + STRANGER.kid[:1],
        b"uci-hash",
        b"country-",
        b"signatur",
    ]


def test_a_signer_without_a_country_speaks_for_none() -> None:
    issuer = HealthIssuer(country=None)
    assert [mark for mark in credential(issuer.issue(), issuer.trust).marks if mark.startswith(b"country:")] == []


def test_no_text_of_a_person_stands_in_what_would_be_logged() -> None:
    shown = repr(examine(OURS.issue(), OURS.trust))
    assert [word for word in ("999000000001", "1990", "THI", "MAU", "Mẫu", "2022", "ORG", "840539006") if word in shown] == []


# --- when it holds ---------------------------------------------------------------------------------------------

PERIODS: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {  # first and last second
    "as it says": ({}, (ISSUED_S, EXPIRES_S)),
    "in broken seconds": ({"iat": ISSUED_S + 0.9, "exp": EXPIRES_S + 0.9}, (ISSUED_S, EXPIRES_S)),
    "not before its signer": ({"iat": BEGIN_S - 1}, (BEGIN_S, EXPIRES_S)),
    "not after its signer": ({"exp": END_S + 1}, (ISSUED_S, END_S)),
    "since its signer, where it does not say": ({"iat": None}, (BEGIN_S, EXPIRES_S)),
    "never, where it ends before it begins": ({"iat": EXPIRES_S, "exp": ISSUED_S}, (EXPIRES_S, ISSUED_S)),
}


@pytest.mark.parametrize(("times", "expected"), PERIODS.values(), ids=PERIODS.keys())
def test_it_holds_as_long_as_it_says_and_its_signer_may(times: dict[str, Any], expected: tuple[int, int]) -> None:
    shown = credential(OURS.issue(**times))
    assert (shown.proof, (shown.valid_from_s, shown.valid_until_s)) == (Proof.PROVEN, (expected[0], expected[1] + 1))


def test_what_it_said_itself_is_told_too() -> None:
    found = examine(OURS.issue(iat=BEGIN_S - 1, exp=END_S + 1), OURS.trust)
    assert (found.issued_s, found.expires_s) == (BEGIN_S - 1, END_S + 1)


def test_of_a_stranger_there_is_only_what_it_says() -> None:
    shown = credential(STRANGER.issue(iat=None))
    assert (shown.proof, shown.valid_from_s, shown.valid_until_s) == (Proof.UNKNOWN_ISSUER, None, EXPIRES_S + 1)


@pytest.mark.parametrize("exp", [None, "2023", -1], ids=["nothing", "a text", "before 1970"])
def test_without_an_end_it_is_malformed_and_the_other_checks_are_told(exp: object) -> None:
    found = examine(OURS.issue(exp=exp), OURS.trust)
    assert found.reading == NotACredential(Misread.MALFORMED)
    assert found.checks == dict.fromkeys(IN_ORDER, True) | {Check.TIMES: False}


# --- who signed it ---------------------------------------------------------------------------------------------


def message(issuer: HealthIssuer = OURS, alg: int = ES256, **header: Any) -> bytes:
    """``kid`` protected, ``loose`` not."""
    protected = {1: alg} | ({4: header["kid"]} if "kid" in header else {})
    return text(issuer.message(PAYLOAD, protected, {4: header["loose"]} if "loose" in header else {}))


PROOFS: dict[str, tuple[bytes, Trust, Proof]] = {
    "the key id is not protected": (message(loose=OURS.kid), OURS.trust, Proof.PROVEN),
    "the protected key id counts": (message(kid=OURS.kid, loose=STRANGER.kid), OURS.trust, Proof.PROVEN),
    "the protected key id is a stranger's": (message(kid=STRANGER.kid, loose=OURS.kid), OURS.trust, Proof.UNKNOWN_ISSUER),
    "the signature fits a signer with another key id": (message(kid=b"999-999-"), OURS.trust, Proof.UNKNOWN_ISSUER),
    "a stranger": (STRANGER.issue(), OURS.trust, Proof.UNKNOWN_ISSUER),
    "a stranger in our name": (message(STRANGER, kid=OURS.kid), OURS.trust, Proof.FORGED),
    "ES256 said, signed by RSA": (message(BY_RSA, ES256, kid=BY_RSA.kid), BY_RSA.trust, Proof.FORGED),
    "PS256 said, signed by a curve": (message(OURS, PS256, kid=OURS.kid), OURS.trust, Proof.FORGED),
    "the first of two who share a key id": (message(kid=OURS.kid), sharing(OURS.signer, STRANGER.signer), Proof.PROVEN),
    "the second of two": (message(kid=OURS.kid), sharing(STRANGER.signer, OURS.signer), Proof.PROVEN),
    "the one with RSA": (message(BY_RSA, PS256, kid=OURS.kid), sharing(STRANGER.signer, BY_RSA.signer), Proof.PROVEN),
    "neither of two": (message(kid=OURS.kid), sharing(STRANGER.signer, BY_RSA.signer), Proof.FORGED),
    "the last that is tried": (message(kid=OURS.kid), sharing(*[STRANGER.signer] * (SIGNERS_MAX - 1), OURS.signer), Proof.PROVEN),
    "one beyond those": (message(kid=OURS.kid), sharing(*[STRANGER.signer] * SIGNERS_MAX, OURS.signer), Proof.FORGED),
    "a test by one for tests": (TESTS_ONLY.issue(certificate("t")), TESTS_ONLY.trust, Proof.PROVEN),
    "a vaccination by one for tests": (TESTS_ONLY.issue(), TESTS_ONLY.trust, Proof.WRONG_USE),
    "a recovery by one for tests": (TESTS_ONLY.issue(certificate("r")), TESTS_ONLY.trust, Proof.WRONG_USE),
    "a test by one for all else": (ALL_BUT_TESTS.issue(certificate("t")), ALL_BUT_TESTS.trust, Proof.WRONG_USE),
    "a recovery by one for all else": (ALL_BUT_TESTS.issue(certificate("r")), ALL_BUT_TESTS.trust, Proof.PROVEN),
}


@pytest.mark.parametrize(("payload", "trust", "expected"), PROOFS.values(), ids=PROOFS.keys())
def test_who_signed_it_and_whether_they_may_is_the_proof(payload: bytes, trust: Trust, expected: Proof) -> None:
    assert proof(payload, trust) is expected


def test_times_come_from_the_signer_who_signed_and_not_from_its_neighbour() -> None:
    neighbour = replace(STRANGER.signer, not_before_s=EXPIRES_S, not_after_s=EXPIRES_S)
    shown = credential(message(kid=OURS.kid), sharing(neighbour, OURS.signer))
    assert (shown.valid_from_s, shown.valid_until_s) == (ISSUED_S, EXPIRES_S + 1)


# --- where the steps end ---------------------------------------------------------------------------------------

FOLDED = zlib.compress(OURS.message(PAYLOAD))


def folded(data: bytes) -> bytes:
    return b"HC1:" + to_base45(data)


ENDS: dict[str, tuple[bytes, Check, str, Misread]] = {
    "another format": (b"KD1.", Check.PREFIX, "it does not begin with HC1:", Misread.UNSUPPORTED),
    "small letters": (b"HC1:a", Check.BASE45, "a character that base45 does not have", Misread.MALFORMED),
    "not compressed": (folded(OURS.message(PAYLOAD)), Check.COMPRESSION, "not compressed by zlib", Misread.MALFORMED),
    "compressed without zlib's head": (folded(zlib.compress(PAYLOAD, wbits=-15)), Check.COMPRESSION, "not compressed by zlib", Misread.MALFORMED),
    "compressed by gzip": (folded(zlib.compress(PAYLOAD, wbits=31)), Check.COMPRESSION, "not compressed by zlib", Misread.MALFORMED),
    "a wrong sum": (folded(FOLDED[:-1] + b"\0"), Check.COMPRESSION, "not compressed by zlib", Misread.MALFORMED),
    "cut short": (folded(FOLDED[:-9]), Check.COMPRESSION, f"cut short, or more than {UNFOLDED_MAX} bytes when unfolded", Misread.MALFORMED),
    "bytes behind it": (folded(FOLDED + b"\0"), Check.COMPRESSION, "bytes behind the compressed ones", Misread.MALFORMED),
    "a bomb": (text(bytes(2_500_000)), Check.COMPRESSION, f"cut short, or more than {UNFOLDED_MAX} bytes when unfolded", Misread.MALFORMED),
    "a nest": (text(b"\x81" * 60_000), Check.COSE, "more CBOR than this format has", Misread.MALFORMED),
    "bytes behind the message": (text(OURS.message(PAYLOAD) + b"\0"), Check.COSE, "bytes behind the end of the CBOR", Misread.MALFORMED),
    "the algorithm none": (message(alg=0, kid=OURS.kid), Check.COSE, "signed by neither ES256 nor PS256", Misread.MALFORMED),
    "no key id": (message(), Check.COSE, "no key id", Misread.MALFORMED),
    "no claims": (text(OURS.message(b"\x01")), Check.CLAIMS, "no claims", Misread.MALFORMED),
    "bytes behind the claims": (text(OURS.message(PAYLOAD + b"\0")), Check.CLAIMS, "bytes behind the end of the CBOR", Misread.MALFORMED),
    "deep claims": (text(OURS.message(b"\xa1\x01" * 99 + b"\0")), Check.CLAIMS, "more CBOR than this format has", Misread.MALFORMED),
    "a claim twice": (
        text(OURS.message(b"\xa2\x04\x01\x04\x02")),
        Check.CLAIMS,
        "a CBOR key twice, or of another kind than this format has",
        Misread.MALFORMED,
    ),
    "a later kind": (
        text(OURS.message(cbor2.dumps({4: EXPIRES_S, -260: {2: certificate()}}))),
        Check.CLAIMS,
        "a health certificate of another kind",
        Misread.UNSUPPORTED,
    ),
    "no entry": (OURS.issue(certificate() | {"v": []}), Check.SCHEMA, "v does not hold exactly one entry", Misread.MALFORMED),
    "two entries": (OURS.issue(certificate() | {"v": certificate()["v"] * 2}), Check.SCHEMA, "v does not hold exactly one entry", Misread.MALFORMED),
    "two kinds": (OURS.issue(certificate() | certificate("t")), Check.SCHEMA, "not exactly one of v, t and r", Misread.MALFORMED),
    "no name": (OURS.issue(certificate() | {"nam": {}}), Check.SCHEMA, "nam is not as the schema wants it", Misread.MALFORMED),
}


@pytest.mark.parametrize(("payload", "last", "fault", "misread"), ENDS.values(), ids=ENDS.keys())
def test_what_breaks_off_says_where_and_why(payload: bytes, last: Check, fault: str, misread: Misread) -> None:
    found = examine(payload, OURS.trust)
    reached = IN_ORDER[: IN_ORDER.index(last)]
    assert found.reading == NotACredential(misread)
    assert found.faults == dict.fromkeys(reached, "") | {last: fault}
    assert found.checks == dict.fromkeys(IN_ORDER) | dict.fromkeys(reached, True) | {last: False}


UNPROVEN: dict[str, tuple[bytes, Trust, dict[Check, str]]] = {
    "a stranger": (STRANGER.issue(), OURS.trust, {Check.ISSUER: "no trusted signer has this key id"}),
    "a forger": (message(STRANGER, kid=OURS.kid), OURS.trust, {Check.SIGNATURE: "no signer of this key id made this signature"}),
    "a wrong use": (TESTS_ONLY.issue(), TESTS_ONLY.trust, {Check.USE: "its signer may not vouch for v"}),
}


@pytest.mark.parametrize(("payload", "trust", "faults"), UNPROVEN.values(), ids=UNPROVEN.keys())
def test_what_is_not_proven_says_why_and_is_read_to_the_end(payload: bytes, trust: Trust, faults: dict[Check, str]) -> None:
    found = examine(payload, trust)
    assert {check: fault for check, fault in found.faults.items() if fault} == faults
    assert found.checks[Check.SCHEMA] is True


def test_what_was_never_signed_is_malformed_and_not_believed() -> None:
    """The signature is looked at before what it is over."""
    found = examine(text(OURS.message(PAYLOAD).replace(PAYLOAD, b"\xff" * len(PAYLOAD))), OURS.trust)
    assert found.reading == NotACredential(Misread.MALFORMED)
    assert list(found.faults)[-2:] == [Check.SIGNATURE, Check.CLAIMS]
    assert found.checks[Check.SIGNATURE] is False
