from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.credentials import kd1
from device.credentials.base64url import from_base64url, to_base64url
from device.credentials.kd1 import Claims, issuer_key_id, text_to_sign
from device.domain import Credential, CredentialKind, Direction, Misread, NotACredential, Proof
from tests.gates import Issuer

MALFORMED = NotACredential(Misread.MALFORMED)
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519 (RFC 8032, 5.1)

HOME, STRANGER = Issuer(1), Issuer(2)
ISSUERS = {HOME.key_id: Ed25519PublicKey.from_public_bytes(HOME.public)}

GOLDEN = (
    b"KD1."
    b"qAFINHUPmL1Z_PwCSAAAAAAAAAAHAxpqsTuABBpqso0ABYJkbWFpbmFiBgEHAghiZzE."
    b"KDdDwbh25cQ5NxYFZr7cU8XTL8OFxGA-9DuVFT2Gcw0LZtqY1pF3B9LDH9QRH8MgVXV4OKd9mHZ0uqjlCR9TDw"
)
GOLDEN_PARTY = (
    b"KD1.pQFINHUPmL1Z_PwCSAAAAAAAAAAHBBpqso0ABYFkbWFpbgkM.llYBjn5mgY5ddRob3JNtoDmg1KuIOOUV6qYNH9clfLrY3_gjhqrQAdK0HTCe55YrrBtS8pCoCarcOPl7WkfDAQ"
)
GOLDEN_CLAIMS = Claims(
    key_id=bytes.fromhex("34750f98bd59fcfc"),
    pass_id=(7).to_bytes(8, "big"),
    valid_from_s=1_790_000_000,
    valid_until_s=1_790_086_400,
    zones=("main", "b"),
    direction=Direction.ENTRY,
    uses=2,
    counted_at="g1",
)
GOLDEN_CREDENTIAL = Credential(
    kind=CredentialKind.KD1,
    proof=Proof.PROVEN,
    person_key=b"kd1:" + GOLDEN_CLAIMS.pass_id,
    pass_key=GOLDEN_CLAIMS.key_id + GOLDEN_CLAIMS.pass_id,
    valid_from_s=1_790_000_000,
    valid_until_s=1_790_086_400,
    zones=("main", "b"),
    direction=Direction.ENTRY,
    uses=2,
    counted_at="g1",
    marks=(b"pass:" + GOLDEN_CLAIMS.key_id + GOLDEN_CLAIMS.pass_id, b"signer:" + GOLDEN_CLAIMS.key_id),
)

KEY, PASS = HOME.key_id, (7).to_bytes(8, "big")
BARE = HOME.issue(7)
TEXT, _, SIGNATURE = BARE.rpartition(b".")
BARE_CREDENTIAL = Credential(
    CredentialKind.KD1, Proof.PROVEN, GOLDEN_CREDENTIAL.person_key, GOLDEN_CREDENTIAL.pass_key, marks=GOLDEN_CREDENTIAL.marks
)


def signed(claims: bytes, issuer: Issuer = HOME) -> bytes:
    """A pass around any bytes, with a signature that fits: what an issuer's faulty program could make."""
    text = b"KD1." + to_base64url(claims)
    return text + b"." + to_base64url(issuer.key.sign(text))


def sealed(values: Any, **options: Any) -> bytes:
    return signed(cbor2.dumps(values, **options))


def malleated(payload: bytes) -> bytes:
    """The same pass with S + L for S: the same equation, another text."""
    text, _, signature = payload.rpartition(b".")
    raw = from_base64url(signature)
    assert raw is not None
    s = int.from_bytes(raw[32:], "little") + GROUP_ORDER
    return text + b"." + to_base64url(raw[:32] + s.to_bytes(32, "little"))


# --- the format, once and for all ------------------------------------------------------------------------------


def test_the_golden_pass_is_written_as_it_always_was() -> None:
    text = text_to_sign(GOLDEN_CLAIMS)
    assert text + b"." + to_base64url(HOME.key.sign(text)) == GOLDEN


def test_the_golden_pass_is_read_as_it_always_was() -> None:
    assert (kd1.detect(GOLDEN), kd1.read(GOLDEN, ISSUERS)) == (True, GOLDEN_CREDENTIAL)


def test_the_golden_pass_for_a_party_is_written_and_read_as_it_always_was() -> None:
    assert HOME.issue(7, zones=("main",), party=12, valid_until_s=1_790_086_400) == GOLDEN_PARTY
    assert kd1.read(GOLDEN_PARTY, ISSUERS) == replace(BARE_CREDENTIAL, zones=("main",), party=12, valid_until_s=1_790_086_400)


def test_a_key_id_is_the_head_of_the_keys_hash() -> None:
    assert issuer_key_id(HOME.public) == GOLDEN_CLAIMS.key_id


def test_a_pass_fits_a_small_symbol() -> None:
    assert len(GOLDEN) <= 160


PROVEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without any limit": ({}, {}),
    "from the first second": ({"valid_from_s": 0}, {"valid_from_s": 0}),
    "until the last second": ({"valid_until_s": 2**40 - 1}, {"valid_until_s": 2**40 - 1}),
    "eight zones": ({"zones": tuple("abcdefgh")}, {"zones": tuple("abcdefgh")}),
    "a zone with accents": ({"zones": ("bến xe",)}, {"zones": ("bến xe",)}),
    "entry": ({"direction": Direction.ENTRY}, {"direction": Direction.ENTRY}),
    "exit": ({"direction": Direction.EXIT}, {"direction": Direction.EXIT}),
    "both ways is not written": ({"direction": Direction.BOTH}, {}),
    "one use": ({"uses": 1, "counted_at": "g1"}, {"uses": 1, "counted_at": "g1"}),
    "ten thousand uses": ({"uses": 10_000}, {"uses": 10_000}),
    "counted at a site": ({"uses": 1, "counted_at": "giap-bat"}, {"uses": 1, "counted_at": "giap-bat"}),
    "a carer and one more": ({"party": 2}, {"party": 2}),
    "a coach": ({"party": 50}, {"party": 50}),
    "one person is not written": ({"party": 1}, {}),
}


@pytest.mark.parametrize(("claims", "limits"), PROVEN.values(), ids=PROVEN.keys())
def test_a_signed_pass_is_proven_with_its_limits(claims: dict[str, Any], limits: dict[str, Any]) -> None:
    assert kd1.read(HOME.issue(7, **claims), ISSUERS) == replace(BARE_CREDENTIAL, **limits)


# --- passes that are not proven --------------------------------------------------------------------------------


def test_a_pass_of_an_unknown_issuer_is_told_as_such() -> None:
    shown = kd1.read(STRANGER.issue(7), ISSUERS)
    pass_key = STRANGER.key_id + GOLDEN_CLAIMS.pass_id
    marks = (b"pass:" + pass_key, b"signer:" + STRANGER.key_id)
    assert shown == Credential(CredentialKind.KD1, Proof.UNKNOWN_ISSUER, BARE_CREDENTIAL.person_key, pass_key, marks=marks)


FORGED: dict[str, bytes] = {
    "signed by a stranger in the issuer's name": TEXT + b"." + to_base64url(STRANGER.key.sign(TEXT)),
    "another pass's signature": TEXT + b"." + HOME.issue(8).rpartition(b".")[2],
    "more uses under the signature for one": HOME.issue(7, uses=9).rpartition(b".")[0] + b"." + HOME.issue(7, uses=1).rpartition(b".")[2],
    "a signature of zeros": TEXT + b"." + to_base64url(bytes(64)),
    "a malleated signature": malleated(BARE),
    "a signature over less than is printed": TEXT + b"." + to_base64url(HOME.key.sign(TEXT.removeprefix(b"KD1."))),
}


@pytest.mark.parametrize("payload", FORGED.values(), ids=FORGED.keys())
def test_a_signature_that_does_not_fit_is_a_forgery(payload: bytes) -> None:
    shown = kd1.read(payload, ISSUERS)
    assert isinstance(shown, Credential)
    assert (shown.proof, shown.pass_key) == (Proof.FORGED, BARE_CREDENTIAL.pass_key)


def test_a_pass_with_one_bit_changed_is_never_proven() -> None:
    proven = []
    for place in range(len(GOLDEN)):
        for bit in range(8):
            changed = bytearray(GOLDEN)
            changed[place] ^= 1 << bit
            shown = kd1.read(bytes(changed), ISSUERS)
            proven += [(place, bit)] if isinstance(shown, Credential) and shown.proof is Proof.PROVEN else []
    assert proven == []


def test_a_pass_cut_short_or_made_longer_is_malformed() -> None:
    changed = [GOLDEN[:length] for length in range(len(GOLDEN))] + [GOLDEN + bytes([extra]) for extra in range(256)]
    assert {kd1.read(payload, ISSUERS) for payload in changed} == {MALFORMED}


# --- one pass has one text -------------------------------------------------------------------------------------

SECOND_SPELLINGS: dict[str, bytes] = {
    "padding after the claims": TEXT + b"==." + SIGNATURE,
    "padding after the signature": BARE + b"==",
    "base64 with + and /": BARE.replace(b"-", b"+").replace(b"_", b"/"),
    "unused bits in the last letter": BARE[:-1] + bytes([BARE[-1] + 1]),
    "a line end inside": TEXT[:20] + b"\n" + TEXT[20:] + b"." + SIGNATURE,
    "a line end behind": BARE + b"\r\n",
    "a byte order mark before": b"\xef\xbb\xbf" + BARE,
    "a blank before": b" " + BARE,
    "a dot too many": TEXT + b".." + SIGNATURE,
    "a third part": BARE + b".AAAA",
    "small letters in its name": BARE.replace(b"KD1.", b"kd1."),
    "no claims": b"KD1.." + SIGNATURE,
    "no signature": TEXT + b".",
    "no dot": TEXT,
    "only its name": b"KD1.",
    "its name and a dot": b"KD1..",
    "bytes that are no ASCII": BARE[:30] + "ễ".encode() + BARE[30:],
}
# The issuer's own signature is over these: only the strict reading stands between them and a second text of one pass.
SIGNED_BUT_ODD: dict[str, bytes] = {
    "bytes after the claims": signed(cbor2.dumps({1: KEY, 2: PASS}) + b"\x00"),
    "keys out of order": sealed({2: PASS, 1: KEY}),
    "a map without a stated length": sealed({1: KEY, 2: PASS}, indefinite_containers=True),
    "a length longer than it need be": signed(b"\xa2\x01\x58\x08" + KEY + b"\x02\x48" + PASS),
    "a number longer than it need be": signed(b"\xa3\x01\x48" + KEY + b"\x02\x48" + PASS + b"\x07\x18\x01"),
    "one claim twice": signed(b"\xa3\x01\x48" + KEY + b"\x02\x48" + bytes(8) + b"\x02\x48" + PASS),
    "bytes in pieces": signed(b"\xa2\x01\x48" + KEY + b"\x02\x5f\x44" + PASS[:4] + b"\x44" + PASS[4:] + b"\xff"),
    "its own tag before it": sealed(cbor2.CBORTag(55799, {1: KEY, 2: PASS})),
    "an unknown claim": sealed({1: KEY, 2: PASS, 10: 1}),
    "one person, written out": sealed({1: KEY, 2: PASS, 9: 1}),
    "a party of nobody": sealed({1: KEY, 2: PASS, 9: 0}),
    "a party of 51": sealed({1: KEY, 2: PASS, 9: 51}),
    "a party of true": sealed({1: KEY, 2: PASS, 9: True}),
    "a party of two and a half": sealed({1: KEY, 2: PASS, 9: 2.5}),
    "a party of many": sealed({1: KEY, 2: PASS, 9: "2"}),
    "a claim named by a text": sealed({1: KEY, 2: PASS, "uses": 1}),
    "a claim named by a truth value": sealed({True: KEY, 2: PASS}),
    "a claim named by a fraction": sealed({1.0: KEY, 2: PASS}),
    "a claim that says nothing": sealed({1: KEY, 2: PASS, 3: None}),
    "no zones, written out": sealed({1: KEY, 2: PASS, 5: []}),
    "no key id": sealed({2: PASS}),
    "no pass id": sealed({1: KEY}),
    "a key id of 7 bytes": sealed({1: KEY[:7], 2: PASS}),
    "a key id of 9 bytes": sealed({1: KEY + b"\x00", 2: PASS}),
    "a key id that is a text": sealed({1: "34750f98", 2: PASS}),
    "a pass id of 7 bytes": sealed({1: KEY, 2: PASS[:7]}),
    "a pass id of 17 bytes": sealed({1: KEY, 2: bytes(17)}),
    "a pass id that is a number": sealed({1: KEY, 2: 7}),
    "valid from true": sealed({1: KEY, 2: PASS, 3: True}),
    "valid from a fraction": sealed({1: KEY, 2: PASS, 3: 1.5}),
    "valid from before 1970": sealed({1: KEY, 2: PASS, 3: -1}),
    "valid until a text": sealed({1: KEY, 2: PASS, 4: "2026"}),
    "valid until a date": sealed({1: KEY, 2: PASS, 4: datetime(2026, 1, 1, tzinfo=UTC)}),
    "valid until the end of time": sealed({1: KEY, 2: PASS, 4: 2**40}),
    "valid until beyond any integer": sealed({1: KEY, 2: PASS, 4: 2**200}),
    "a zone that is no list": sealed({1: KEY, 2: PASS, 5: "main"}),
    "a zone that is a number": sealed({1: KEY, 2: PASS, 5: [1]}),
    "nine zones": sealed({1: KEY, 2: PASS, 5: list("abcdefghi")}),
    "direction true": sealed({1: KEY, 2: PASS, 6: True}),
    "direction three": sealed({1: KEY, 2: PASS, 6: 3}),
    "direction a list": sealed({1: KEY, 2: PASS, 6: [1]}),
    "uses true": sealed({1: KEY, 2: PASS, 7: True}),
    "no use at all": sealed({1: KEY, 2: PASS, 7: 0}),
    "more uses than anybody has": sealed({1: KEY, 2: PASS, 7: 10_001}),
    "uses beyond any integer": sealed({1: KEY, 2: PASS, 7: 2**200}),
    "counted at a number": sealed({1: KEY, 2: PASS, 8: 1}),
    "a list": sealed([KEY, PASS]),
    "a number": sealed(1),
    "nothing": sealed(None),
    "every address there is": signed(bytes.fromhex("d836820040")),
    "zones that are every address there is": signed(b"\xa3\x01\x48" + KEY + b"\x02\x48" + PASS + b"\x05" + bytes.fromhex("d836820040")),
    "a nest of lists": signed(b"\x81" * 300),
    "a list that claims 2^63 items": signed(b"\x9b" + b"\x7f" + b"\xff" * 7),
    "a text that claims 2^63 letters": signed(b"\x7b" + b"\x7f" + b"\xff" * 7),
    "a text that is no text": signed(b"\xa3\x01\x48" + KEY + b"\x02\x48" + PASS + b"\x08\x61\xff"),
    "a pattern that does not end": signed(b"\xa1\xd8\x23\x62(a\x01"),
    "larger than any screen shows": HOME.issue(7, zones=("z" * 400,)),
}


@pytest.mark.parametrize("payload", [*SECOND_SPELLINGS.values(), *SIGNED_BUT_ODD.values()], ids=[*SECOND_SPELLINGS, *SIGNED_BUT_ODD])
def test_a_second_way_to_write_a_pass_is_malformed(payload: bytes) -> None:
    assert kd1.read(payload, ISSUERS) == MALFORMED


@pytest.mark.parametrize(("size", "expected"), [(511, True), (513, False)])  # no pass is of 512
def test_a_pass_has_at_most_512_characters(size: int, expected: bool) -> None:
    zone = next(z for z in range(400) if len(HOME.issue(7, zones=("z" * z,))) == size)
    assert isinstance(kd1.read(HOME.issue(7, zones=("z" * zone,)), ISSUERS), Credential) is expected
