from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.credentials.hc1 import read_trust_list, signer_of
from device.credentials.hc1.signers import kid_of
from device.credentials.trust import HealthSigner, HealthUse
from device.errors import VerificationError
from tests.device.credentials.hc1.issuer import BEGIN_S, END_S, HealthIssuer, certify, rsa_key

OURS = HealthIssuer()
SPECIFIED, DRAFTED = "1.3.6.1.4.1.1847.2021.1.", "1.3.6.1.4.1.0.1847.2021.1."
CLIENT, MAIL = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"
VACCINATION, TEST, RECOVERY = HealthUse.VACCINATION, HealthUse.TEST, HealthUse.RECOVERY


def refusal(der: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        signer_of(der)
    return caught.value.what


# --- one certificate -------------------------------------------------------------------------------------------


def test_a_certificate_is_a_signer() -> None:
    assert signer_of(OURS.der) == HealthSigner(OURS.key.public_key(), "VN", BEGIN_S, END_S)


def test_its_key_id_is_the_head_of_its_hash() -> None:
    assert kid_of(OURS.der) == hashlib.sha256(OURS.der).digest()[:8]


USES: dict[str, tuple[list[str] | None, set[HealthUse]]] = {
    "nothing said": (None, set()),
    "for tests": ([SPECIFIED + "1"], {TEST}),
    "for vaccinations": ([SPECIFIED + "2"], {VACCINATION}),
    "for recoveries": ([SPECIFIED + "3"], {RECOVERY}),
    "for tests, as drafted": ([DRAFTED + "1"], {TEST}),
    "for vaccinations, as drafted": ([DRAFTED + "2"], {VACCINATION}),
    "for recoveries, as drafted": ([DRAFTED + "3"], {RECOVERY}),
    "for all, in both ways": ([SPECIFIED + "1", DRAFTED + "2", SPECIFIED + "3"], {TEST, VACCINATION, RECOVERY}),
    "for vaccinations and for mail": ([MAIL, SPECIFIED + "2"], {VACCINATION}),
    "only for clients and mail": ([CLIENT, MAIL], set()),
    "what is beside the three": ([SPECIFIED + "4", SPECIFIED + "1.1", "1.3.6.1.4.1.1.1847.2021.1.1"], set()),
}


@pytest.mark.parametrize(("uses", "expected"), USES.values(), ids=USES.keys())
def test_what_it_may_vouch_for_is_in_its_key_usage(uses: list[str] | None, expected: set[HealthUse]) -> None:
    assert HealthIssuer(uses=uses).signer.uses == expected


@pytest.mark.parametrize("usage", [b"\x30\x00", b"\x04\x00", b""], ids=["an empty list", "no list", "nothing"])
def test_a_key_usage_that_lists_nothing_limits_nothing(usage: bytes) -> None:
    assert signer_of(certify(OURS.key, raw_usage=usage)).uses == frozenset()


def test_without_a_country_in_its_subject_it_has_none_and_the_list_may_say_which() -> None:
    der = HealthIssuer(country=None).der
    assert [signer_of(der).country, signer_of(der, country="AT").country, signer_of(OURS.der, country="AT").country] == ["", "AT", "AT"]


def test_its_time_can_be_shortened_and_not_made_longer() -> None:
    assert [signer_of(OURS.der, not_after_s=end_s).not_after_s for end_s in (END_S - 1, END_S + 1)] == [END_S - 1, END_S]


def test_an_rsa_key_is_as_good() -> None:
    assert HealthIssuer(by_rsa=True).signer.key.key_size == 2048


UNFIT = "a signer's key is neither of P-256 nor RSA of 2048 to 4096 bits with the usual exponent"
KEYS: dict[str, Any] = {
    "P-384": ec.derive_private_key(1, ec.SECP384R1()),
    "P-256's sister": ec.derive_private_key(1, ec.SECP256K1()),
    "RSA of 1024 bits": rsa_key(1024),
    "RSA with a small exponent": rsa_key(2048, 3),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_key_that_may_sign_no_health_certificate_is_refused(key: Any) -> None:
    assert refusal(certify(key)) == UNFIT


UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "cut short": OURS.der[:-1],
    "a byte behind it": OURS.der + b"\0",
    "PEM": b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(OURS.der),
}


@pytest.mark.parametrize("der", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    assert refusal(der) == "a signer's certificate cannot be read: ValueError"


# --- the list --------------------------------------------------------------------------------------------------


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


KID, ENTRY = b64(OURS.kid), {"x5c": b64(OURS.der)}
OTHER = HealthIssuer(2)


def test_a_list_is_read_by_key_id() -> None:
    document = {KID: [ENTRY], b64(OTHER.kid): [{"x5c": b64(OTHER.der), "country": "AT", "notAfter": END_S - 999}]}
    assert read_trust_list(document) == {
        OURS.kid: (OURS.signer,),
        OTHER.kid: (HealthSigner(OTHER.key.public_key(), "AT", BEGIN_S, END_S - 999),),
    }


def test_an_empty_list_trusts_nobody() -> None:
    assert read_trust_list({}) == {}


MISTAKES: dict[str, tuple[object, str]] = {
    "a key id that is no base64": ({"?": [ENTRY]}, "'?' is no key id of 8 bytes in base64"),
    "a key id with an accent": ({"ế": [ENTRY]}, "'ế' is no key id of 8 bytes in base64"),
    "a key id that is a number": ({1: [ENTRY]}, "1 is no key id of 8 bytes in base64"),
    "a short key id": ({"AAAA": [ENTRY]}, "'AAAA' is no key id of 8 bytes in base64"),
    "no list of signers": ({KID: ENTRY}, f"{KID}: 1 to 8 signers may share a key id"),
    "no signer": ({KID: []}, f"{KID}: 1 to 8 signers may share a key id"),
    "nine signers": ({KID: [ENTRY] * 9}, f"{KID}: 1 to 8 signers may share a key id"),
    "a signer that is a text": ({KID: [b64(OURS.der)]}, f"{KID}, signer 1: not a table of country, notAfter, x5c"),
    "a word that nobody knows": ({KID: [ENTRY | {"not_after": 1}]}, f"{KID}, signer 1: not a table of country, notAfter, x5c"),
    "no certificate": ({KID: [{"country": "VN"}]}, f"{KID}, signer 1: x5c is no base64"),
    "a certificate that is no base64": ({KID: [{"x5c": "-----BEGIN"}]}, f"{KID}, signer 1: x5c is no base64"),
    "another's certificate": ({KID: [{"x5c": b64(OTHER.der)}]}, f"{KID}, signer 1: its certificate has another key id"),
    "a country's name": ({KID: [ENTRY | {"country": "Viet Nam"}]}, f"{KID}, signer 1: country is not two capital letters"),
    "a country that is a number": ({KID: [ENTRY | {"country": 84}]}, f"{KID}, signer 1: country is not two capital letters"),
    "an end that is a date": ({KID: [ENTRY | {"notAfter": "2023-11-14"}]}, f"{KID}, signer 1: notAfter is no number of seconds"),
    "an end that is a truth": ({KID: [ENTRY | {"notAfter": True}]}, f"{KID}, signer 1: notAfter is no number of seconds"),
    "an unfit key": (
        {b64(kid_of(certify(rsa_key(1024)))): [{"x5c": b64(certify(rsa_key(1024)))}]},
        f"{b64(kid_of(certify(rsa_key(1024))))}, signer 1: {UNFIT}",
    ),
}


@pytest.mark.parametrize(("document", "mistake"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named(document: object, mistake: str) -> None:
    with pytest.raises(VerificationError) as caught:
        read_trust_list(document)
    assert caught.value.what == f"1 mistake in the list of health signers:\n  {mistake}"


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(VerificationError) as caught:
        read_trust_list({"?": [], KID: [ENTRY, {}, {"x5c": b64(OTHER.der)}]})
    assert caught.value.what == (
        "3 mistakes in the list of health signers:\n"
        "  '?' is no key id of 8 bytes in base64\n"
        f"  {KID}, signer 2: x5c is no base64\n"
        f"  {KID}, signer 3: its certificate has another key id"
    )


def test_a_list_that_is_no_table_is_refused() -> None:
    with pytest.raises(VerificationError) as caught:
        read_trust_list([ENTRY])
    assert caught.value.what == "the list of health signers is no table of key ids"
