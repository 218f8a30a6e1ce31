from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from device.credentials import vds
from device.credentials.base64url import to_base64url
from device.credentials.seal_signer import read_signer
from device.credentials.strict_json import canonical
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof
from tests.cards import NOT_AFTER, NOT_BEFORE, SIGNER_AFTER, SIGNER_BEFORE, SealAuthority, SealSigner, negative_test, side_by_side, vaccination

MALFORMED, UNSUPPORTED = NotACredential(Misread.MALFORMED), NotACredential(Misread.UNSUPPORTED)

UTOPIA = SealAuthority()
SIGNER = SealSigner(UTOPIA)
TRUSTED = (SealAuthority(country="D", name="somebody else").trusted, UTOPIA.trusted)
DATA = vaccination()
SEAL = SIGNER.issue(DATA)
WHOLE = json.loads(SEAL)
CREDENTIAL = Credential(
    CredentialKind.VDS,
    Proof.PROVEN,
    b"vds:UTO:U99932870",
    valid_from_s=int(SIGNER_BEFORE.timestamp()),
    valid_until_s=int(SIGNER_AFTER.timestamp()),
    marks=(b"certificate:UTO:U99932870", b"signer:" + read_signer(SIGNER.certificate).id),
)


def written(value: Any, **options: Any) -> bytes:
    return json.dumps(value, **{"separators": (",", ":"), "ensure_ascii": False, **options}).encode()


def proof(payload: bytes, authorities: Any = TRUSTED) -> Proof | None:
    shown = vds.read(payload, authorities)
    return shown.proof if isinstance(shown, Credential) else None


def test_a_seal_of_a_known_country_is_proven() -> None:
    assert (vds.detect(SEAL), vds.read(SEAL, TRUSTED)) == (True, CREDENTIAL)


def test_a_seal_of_a_test_is_named_by_its_own_number() -> None:
    assert vds.read(SIGNER.issue(negative_test()), TRUSTED) == replace(
        CREDENTIAL, person_key=b"vds:UTO:U99900001", marks=(b"certificate:UTO:U99900001", CREDENTIAL.marks[1])
    )


def padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


SPELLINGS: dict[str, bytes] = {
    "keys in the order of the canonical form": b'{"data":' + canonical(DATA) + b',"sig":' + written(WHOLE["sig"]) + b"}",
    "with blanks": SEAL.replace(b',"msg"', b' , "msg"'),
    "with escaped letters": written(WHOLE, ensure_ascii=True),
    "with padding": written({**WHOLE, "sig": {name: value if name == "alg" else padded(value) for name, value in WHOLE["sig"].items()}}),
}


@pytest.mark.parametrize("payload", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_seal_written_otherwise_is_the_same_seal(payload: bytes) -> None:
    assert (vds.detect(payload), vds.read(payload, TRUSTED)) == (True, CREDENTIAL)


@pytest.mark.parametrize(
    ("algorithm", "curve"), [("ES256", ec.BrainpoolP256R1()), ("ES384", ec.SECP384R1()), ("ES512", ec.SECP521R1())], ids=["ES256", "ES384", "ES512"]
)
def test_each_algorithm_of_the_standard_proves(algorithm: str, curve: Any) -> None:
    assert proof(SealSigner(UTOPIA, algorithm, ec.generate_private_key(curve)).issue(DATA)) is Proof.PROVEN


def test_a_seal_is_no_longer_good_than_its_authority() -> None:
    short = replace(UTOPIA.trusted, not_before_s=CREDENTIAL.valid_from_s + 1, not_after_s=CREDENTIAL.valid_until_s - 1)  # type: ignore[operator]
    shown = vds.read(SEAL, (short,))
    assert shown == replace(CREDENTIAL, valid_from_s=short.not_before_s, valid_until_s=short.not_after_s)
    assert (NOT_BEFORE < SIGNER_BEFORE, SIGNER_AFTER < NOT_AFTER) == (True, True)


# --- seals that are not proven ---------------------------------------------------------------------------------

OWN = SealSigner(UTOPIA)
OWN.certificate = SealAuthority(OWN.key).certify(OWN.key.public_key())
PASSPORTS = SealSigner(UTOPIA)
PASSPORTS.certificate = UTOPIA.certify(PASSPORTS.key.public_key(), usage=None)
TESTS_ONLY = SealSigner(UTOPIA)
TESTS_ONLY.certificate = UTOPIA.certify(TESTS_ONLY.key.public_key(), types=(b"NT",))

NOT_PROVEN: dict[str, tuple[bytes, tuple[Any, ...], Proof]] = {
    "nobody is trusted": (SEAL, (), Proof.UNKNOWN_ISSUER),
    "of another country": (SealSigner(SealAuthority(name="CSCA of Elsewhere")).issue(DATA), TRUSTED, Proof.UNKNOWN_ISSUER),
    "of another key in the country's name": (SealSigner(SealAuthority()).issue(DATA), TRUSTED, Proof.UNKNOWN_ISSUER),
    "signed by itself": (OWN.issue(DATA), TRUSTED, Proof.UNKNOWN_ISSUER),
    "changed after it was signed": (SEAL.replace(b"U99932870", b"U99932871"), TRUSTED, Proof.FORGED),
    "another seal's signature": (SIGNER.issue(DATA, sigvl=json.loads(SIGNER.issue(negative_test()))["sig"]["sigvl"]), TRUSTED, Proof.FORGED),
    "a stranger's signature beside a good certificate": (SealSigner(UTOPIA, certificate=SIGNER.certificate).issue(DATA), TRUSTED, Proof.FORGED),
    "an algorithm for a longer key": (SIGNER.issue(DATA, alg="ES384"), TRUSTED, Proof.FORGED),
    "a signature of another length": (SIGNER.issue(DATA, sigvl=to_base64url(bytes(96)).decode()), TRUSTED, Proof.FORGED),
    "no signature": (SIGNER.issue(DATA, sigvl=""), TRUSTED, Proof.FORGED),
    "a longer algorithm with a shorter key": (SIGNER.issue(DATA, alg="ES512", sigvl=to_base64url(bytes(132)).decode()), TRUSTED, Proof.FORGED),
    "in another country's name": (SIGNER.issue(vaccination(**{"is": "D"})), TRUSTED, Proof.WRONG_USE),
    "by a signer of passports": (PASSPORTS.issue(DATA), TRUSTED, Proof.WRONG_USE),
    "by a signer of tests": (TESTS_ONLY.issue(DATA), TRUSTED, Proof.WRONG_USE),
}


@pytest.mark.parametrize(("payload", "authorities", "expected"), NOT_PROVEN.values(), ids=NOT_PROVEN.keys())
def test_only_a_signer_of_the_country_proves(payload: bytes, authorities: Any, expected: Proof) -> None:
    assert proof(payload, authorities) is expected


def test_an_unknown_signers_seal_still_says_who_it_is_about() -> None:
    assert vds.read(SEAL, ()) == replace(CREDENTIAL, proof=Proof.UNKNOWN_ISSUER)


def test_a_seal_with_one_byte_changed_or_cut_short_is_never_proven() -> None:
    changed = [SEAL[:at] + bytes([SEAL[at] ^ mask]) + SEAL[at + 1 :] for at in range(len(SEAL)) for mask in (1, 2, 0x20, 0x80)]
    cut = [SEAL[:length] for length in range(len(SEAL))]
    shown = [vds.read(payload, TRUSTED) for payload in (*changed, *cut, SEAL + b"}")]
    assert [each for each in shown if isinstance(each, Credential) and each.proof is Proof.PROVEN] == []
    assert MALFORMED in shown


# --- other seals, and none -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        b"\xdc\x02" + bytes(60),
        b"\xdc\x03\xd9\xc5" + bytes(60),
        SIGNER.issue(vaccination(t="icao.visa")),
        SIGNER.issue(vaccination(v=2)),
        SIGNER.issue(DATA, alg="PS256"),
        SIGNER.issue(DATA, alg="none"),
    ],
)
def test_a_seal_of_another_kind_is_told_as_such(payload: bytes) -> None:
    assert (vds.detect(payload), vds.read(payload, TRUSTED)) == (True, UNSUPPORTED)


@pytest.mark.parametrize(
    "payload", [b"\xdc", b"\xdc\x41", b"{}", b'{"data":{}}', b'{"data": {"hdr":', b'[{"data":{"hdr":', b'{"sig":{},"data":{"hdr":{}}}']
)
def test_what_does_not_begin_as_a_seal_is_none(payload: bytes) -> None:
    assert not vds.detect(payload)


def changed(value: Any, *path: str, to: Any = None) -> Any:
    """``value`` with one member replaced, or left out where ``to`` is None."""
    name, *rest = path
    if rest:
        return {**value, name: changed(value[name], *rest, to=to)}
    return {each: content for each, content in {**value, name: to}.items() if content is not None}


ELSEWHERE_SIGNED = SIGNER.issue({**DATA, "msg": {**DATA["msg"], "uvci": "x" * 101}})
BROKEN: dict[str, bytes] = {
    "only the beginning": b'{"data":{"hdr":',
    "no text": SEAL.replace("ễ".encode(), b"\xe1"),
    "half a character": SEAL.replace("ễ".encode(), b"\\ud83d"),
    "a member twice": SEAL.replace(b'"v":1', b'"v":1,"v":1'),
    "no signature": written(changed(WHOLE, "sig")),
    "a signature that is a text": written(changed(WHOLE, "sig", to="x")),
    "a third part": written({**WHOLE, "more": {}}),
    "a signature of four parts": written(changed(WHOLE, "sig", "kid", to="x")),
    "a signature of two parts": written(changed(WHOLE, "sig", "sigvl")),
    "an algorithm that is a list": written(changed(WHOLE, "sig", "alg", to=[])),
    "a certificate that is a number": written(changed(WHOLE, "sig", "cer", to=1)),
    "a certificate of other letters": written(changed(WHOLE, "sig", "cer", to="ễ")),
    "a certificate in base64": written(changed(WHOLE, "sig", "cer", to="+/8")),
    "a certificate with too much padding": written(changed(WHOLE, "sig", "cer", to=WHOLE["sig"]["cer"] + "=====")),
    "a certificate that is none": written(changed(WHOLE, "sig", "cer", to="AAAA")),
    "an empty certificate": written(changed(WHOLE, "sig", "cer", to="")),
    "no header": written({"data": {"hdr": None}, "sig": WHOLE["sig"]}),
    "no message": written(changed(WHOLE, "data", "msg")),
    "no country": written(changed(WHOLE, "data", "hdr", "is")),
    "a country in small letters": SIGNER.issue(vaccination(**{"is": "uto"})),
    "a kind that is a list": written(changed(WHOLE, "data", "hdr", "t", to=[])),
    "a version that is true": written(changed(WHOLE, "data", "hdr", "v", to=True)),
    "a version that is a fraction": SEAL.replace(b'"v":1', b'"v":1.0'),
    "no number": written(changed(WHOLE, "data", "msg", "uvci")),
    "a number that is a number": written(changed(WHOLE, "data", "msg", "uvci", to=1)),
    "a number with a blank": SIGNER.issue({**DATA, "msg": {**DATA["msg"], "uvci": "U 1"}}),
    "a number without end": ELSEWHERE_SIGNED,
    "a truth value": SEAL.replace(b'"seq":1', b'"seq":true'),
    "a member that says nothing": SEAL.replace(b'"seq":1', b'"seq":null'),
    "a nest of lists": SEAL.replace(b'"seq":1', b'"seq":' + b"[" * 20 + b"]" * 20),
    "a deeper nest": SEAL.replace(b'"seq":1', b'"seq":' + b"[" * 3000 + b"]" * 3000),
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN.keys())
def test_an_object_that_breaks_the_rules_is_malformed(payload: bytes) -> None:
    assert (vds.detect(payload), vds.read(payload, TRUSTED)) == (True, MALFORMED)


def test_a_signer_with_a_key_that_signs_no_seals_is_malformed() -> None:
    certificate = UTOPIA.certify(rsa.generate_private_key(65537, 2048).public_key())
    assert vds.read(SIGNER.issue(DATA, cer=to_base64url(certificate).decode()), TRUSTED) == MALFORMED


def test_a_seal_is_signed_over_its_canonical_form_and_not_as_it_is_written() -> None:
    as_written = to_base64url(side_by_side(SIGNER.key, "ES256", written(DATA))).decode()
    assert (written(DATA) != canonical(DATA), proof(SIGNER.issue(DATA, sigvl=as_written))) == (True, Proof.FORGED)
