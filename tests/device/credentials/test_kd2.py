from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import segno

from device.credentials import kd2
from device.credentials.trust import RotatingKey
from device.domain import Credential, CredentialKind, Direction, Misread, NotACredential, Proof

MALFORMED = NotACredential(Misread.MALFORMED)
SECRET = b"s" * 32
KEY = kd2.key_id(SECRET)
ID = kd2.full_pass_id(KEY, b"9990000001")
OWN = kd2.pass_secret(SECRET, ID)
KEYS = {KEY: RotatingKey(SECRET)}
STEP = 59_666_667
NOW = STEP * 30 + 7

GOLDEN = b"KD2:2Z3LP4YC.HE4TSMBQGAYDAMBR:1790000017:75940813"
CREDENTIAL = Credential(
    kind=CredentialKind.KD2,
    proof=Proof.PROVEN,
    person_key=b"kd2:" + ID.encode(),
    pass_key=b"kd2:" + ID.encode(),
    valid_from_s=(STEP - 1) * 30,
    valid_until_s=(STEP + 2) * 30,
    step=STEP,
    marks=(b"pass:" + ID.encode(), b"signer:" + KEY.encode()),
)


def shown(at: int = NOW, full_id: str = ID, secret: bytes = OWN) -> bytes:
    return kd2.text_at(secret, full_id, at).encode()


# --- the format, once and for all ------------------------------------------------------------------------------


# RFC 6238, appendix B, the rows of SHA-1.
@pytest.mark.parametrize(
    ("seconds", "digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_digits_are_those_of_the_standard(seconds: int, digits: str) -> None:
    assert kd2.one_time_digits(b"12345678901234567890", seconds // 30) == digits


def test_the_golden_pass_is_written_and_read_as_it_always_was() -> None:
    assert (shown(), kd2.detect(GOLDEN), kd2.read(GOLDEN, KEYS)) == (GOLDEN, True, CREDENTIAL)


def test_a_pass_fits_a_small_symbol() -> None:
    symbol = segno.make_qr(shown().decode(), error="m")
    assert (symbol.mode, symbol.version) == ("alphanumeric", 3)


def test_a_pass_is_valid_one_step_before_and_after_its_own() -> None:
    first, last = kd2.read(shown(STEP * 30), KEYS), kd2.read(shown(STEP * 30 + 29), KEYS)
    assert first == last == CREDENTIAL
    assert kd2.read(shown(STEP * 30 + 30), KEYS) == replace(CREDENTIAL, step=STEP + 1, valid_from_s=STEP * 30, valid_until_s=(STEP + 3) * 30)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, {}),
        ({"zones": ("main",), "direction": Direction.ENTRY}, {"zones": ("main",), "direction": Direction.ENTRY}),
        ({"valid_from_s": 5, "valid_until_s": 2**39}, {}),
        ({"valid_from_s": NOW}, {"valid_from_s": NOW}),
        ({"valid_until_s": NOW}, {"valid_until_s": NOW}),
        ({"valid_until_s": 5}, {"valid_until_s": 5}),
    ],
)
def test_a_pass_is_good_for_what_its_key_is_good_for(limits: dict[str, Any], expected: dict[str, Any]) -> None:
    assert kd2.read(shown(), {KEY: RotatingKey(SECRET, **limits)}) == replace(CREDENTIAL, **expected)


def test_the_first_step_of_all_begins_with_1970() -> None:
    assert kd2.read(shown(0), KEYS) == replace(CREDENTIAL, step=0, valid_from_s=0, valid_until_s=60)


# --- passes that are not proven --------------------------------------------------------------------------------


def test_a_pass_of_an_unknown_key_is_told_as_such() -> None:
    assert kd2.read(shown(), {}) == replace(CREDENTIAL, proof=Proof.UNKNOWN_ISSUER)


OTHER_ID = kd2.full_pass_id(KEY, b"9990000002")
FORGED = {
    "another pass's digits": shown(secret=kd2.pass_secret(SECRET, OTHER_ID)),
    "the next step's digits": shown()[:-8] + shown(NOW + 30)[-8:],
    "the last step's time": shown(NOW - 30)[:-8] + shown()[-8:],
    "the secret of the key itself": shown(secret=SECRET),
    "no digits known": shown()[:-8] + b"99999999",
}


@pytest.mark.parametrize("payload", FORGED.values(), ids=FORGED.keys())
def test_digits_that_do_not_fit_are_a_forgery(payload: bytes) -> None:
    read = kd2.read(payload, KEYS)
    assert isinstance(read, Credential)
    assert (read.proof, read.pass_key) == (Proof.FORGED, CREDENTIAL.pass_key)


def test_a_byte_changed_proves_no_other_pass_and_no_other_step() -> None:
    flipped = [GOLDEN[:at] + bytes([new]) + GOLDEN[at + 1 :] for at in range(len(GOLDEN)) for new in range(256) if new != GOLDEN[at]]
    proven = {each for payload in flipped if isinstance(each := kd2.read(payload, KEYS), Credential) and each.proof is Proof.PROVEN}
    assert proven == {CREDENTIAL}  # another second of the same step


MALFORMED_TEXTS = {
    "cut short": GOLDEN[:-1],
    "a digit too many": GOLDEN + b"0",
    "a line end": GOLDEN + b"\n",
    "small letters": GOLDEN.lower().replace(b"kd2", b"KD2"),
    "no key id": GOLDEN.replace(KEY.encode() + b".", b""),
    "a zero before the time": GOLDEN.replace(b":17", b":017"),
    "a time before 1970": GOLDEN.replace(b":17", b":-17"),
    "a time beyond all calendars": GOLDEN.replace(b":17", b":1700000"),
    "digits of another script": GOLDEN[:-8] + "\u0660".encode() * 8,
    "a letter that base32 has not": GOLDEN.replace(KEY.encode(), b"1" * 8),
    "nothing": b"KD2:",
}


@pytest.mark.parametrize("payload", MALFORMED_TEXTS.values(), ids=MALFORMED_TEXTS.keys())
def test_a_pass_has_one_form(payload: bytes) -> None:
    assert kd2.read(payload, KEYS) == MALFORMED


def test_a_pass_cut_short_is_malformed() -> None:
    assert {kd2.read(GOLDEN[:length], KEYS) for length in range(len(GOLDEN))} == {MALFORMED}


def test_one_key_gives_every_pass_a_secret_of_its_own() -> None:
    assert len({SECRET, OWN, kd2.pass_secret(SECRET, OTHER_ID), kd2.pass_secret(b"t" * 32, ID)}) == 4


def test_the_secrets_name_is_not_the_secrets_head() -> None:
    assert (len(KEY), kd2.key_id(b"t" * 32) != KEY) == (8, True)
