from __future__ import annotations

import json
import re

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device.admission.presentations import Presentation
from device.credentials import SIGNED, UNSIGNED, Trust, kd1, kd2, read
from device.credentials.base64url import to_base64url
from device.credentials.kd1 import Claims, text_to_sign
from device.credentials.trust import RotatingKey
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof, Track, TrackState
from tests.cards import CardIssuer, SealAuthority, SealSigner, vaccination
from tests.gates import Issuer

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=400)

ISSUER, CLINIC, UTOPIA = Issuer(), CardIssuer(), SealAuthority()
ROTATING = RotatingKey(b"r" * 32)
ROTATING_ID = kd2.full_pass_id(kd2.key_id(ROTATING.secret), b"9990000001")
TRUST = Trust(
    passes={ISSUER.key_id: Ed25519PublicKey.from_public_bytes(ISSUER.public)},
    rotating={kd2.key_id(ROTATING.secret): ROTATING},
    cards={CLINIC.name: CLINIC.key.public_key()},
    seals=(UTOPIA.trusted,),
)
DETECTORS = {detect.__module__: detect for detect, _ in (*SIGNED, *UNSIGNED)}

MIC = "999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|<1<GD4999900000001<0900000001"
CCCD = "999190000002||Trần Thị Mẫu|03041990|Nữ|Thôn Mẫu, Xã Thử, Tỉnh Thí Điểm|01082024||||"
PASS = ISSUER.issue(7)
TURNING = kd2.text_at(kd2.pass_secret(ROTATING.secret, ROTATING_ID), ROTATING_ID, 1_790_000_000).encode()
CARD = CLINIC.issue()
SEAL = SealSigner(UTOPIA).issue(vaccination())
SIGNED_TEXTS = (PASS, TURNING, CARD, SEAL)

BHYT = (
    "9900000001|4e677579e1bb856e2056c4836e205468e1bbad|01/02/1990|1|-|99 - 001|01/01/2024|-|15/01/2024|99009900000001|-|4| 01/10/2027"
    "|0123456789abcdef-1202|4|5468c3a06e68207068e1bb91205468e1bbad204e676869e1bb876d|$"
)
HCMC = "https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id=00000000-0000-4000-8000-000000000001"
LUONG_XANH = "https://vantai.drvn.gov.vn/tokhaiyteQR?token=AbC123"
CLAIMS = [text.encode() for text in (MIC, CCCD, BHYT, HCMC, LUONG_XANH, "TKVT_000123")]

MIC_CLAIM = Credential(CredentialKind.MIC, Proof.CLAIMED, b"qid:162979388500000100", also=(b"cccd:999090000001", b"bhxh:9900000001"))
CCCD_CLAIM = Credential(CredentialKind.CCCD, Proof.CLAIMED, b"cccd:999190000002")
BHYT_CLAIM = Credential(CredentialKind.BHYT, Proof.CLAIMED, b"bhxh:9900000001")
HCMC_CLAIM = Credential(CredentialKind.HCMC, Proof.CLAIMED, b"hcmc:00000000-0000-4000-8000-000000000001")
PASS_KEY = ISSUER.key_id + bytes(7) + b"\x07"
PASS_PROVEN = Credential(CredentialKind.KD1, Proof.PROVEN, b"kd1:" + PASS_KEY[8:], PASS_KEY, marks=(b"pass:" + PASS_KEY, b"signer:" + ISSUER.key_id))

SHOWN: dict[str, tuple[bytes, Credential | NotACredential]] = {
    "the unified code": (MIC.encode(), MIC_CLAIM),
    "a citizen card": (CCCD.encode(), CCCD_CLAIM),
    "an insurance card": (BHYT.encode(), BHYT_CLAIM),
    "a city's declaration": (HCMC.encode(), HCMC_CLAIM),
    "a vehicle's link": (LUONG_XANH.encode(), Credential(CredentialKind.LUONG_XANH, Proof.CLAIMED, b"vehicle:luong_xanh:AbC123")),
    "a vehicle's sheet": (b"TKVT_000123", Credential(CredentialKind.TKVT, Proof.CLAIMED, b"vehicle:tkvt:000123")),
    "a signed pass": (PASS, PASS_PROVEN),
    "a broken unified code": (MIC.replace("|0|", "|2|").encode(), NotACredential(Misread.MALFORMED)),
    "a broken card": (CCCD.replace("|Nữ|", "||").encode(), NotACredential(Misread.MALFORMED)),
    "a broken insurance card": (BHYT[:-2].encode(), NotACredential(Misread.MALFORMED)),
    "a broken declaration": (HCMC[:-1].encode(), NotACredential(Misread.MALFORMED)),
    "a broken sheet": (b"TKVT_", NotACredential(Misread.MALFORMED)),
    "a broken pass": (PASS[:-1], NotACredential(Misread.MALFORMED)),
    "a broken rotating pass": (TURNING[:-1], NotACredential(Misread.MALFORMED)),
    "a broken health card": (CARD[:-1], NotACredential(Misread.MALFORMED)),
    "a part of a health card": (b"shc:/1/2/5676", NotACredential(Misread.PARTIAL)),
    "a broken seal": (SEAL[:-1], NotACredential(Misread.MALFORMED)),
    "a binary seal": (b"\xdc\x03\xd9\xc5", NotACredential(Misread.UNSUPPORTED)),
    "a ticket of another system": (
        b"E4BibyTSylQOgeKjuMPiTDxi5HXPuTVsx1qCli3IL0143gj0EZXOB9iQInANxRFJTt4Pf9nXnHdB91Qk/RN0L5AIBABSxw2TKFnSUNUCKAEAPAQA",
        NotACredential(Misread.OTHER),
    ),
    "a signed text of the Web": (b"eyJhbGciOiJFUzI1NiJ9.e30.AA", NotACredential(Misread.OTHER)),
    "a signed token of another kind": (b"v4.public.eyJzdWIiOiI5OTkifQ", NotACredential(Misread.OTHER)),
    "a payment code": (
        b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F",
        NotACredential(Misread.PAYMENT),
    ),
    "a place": (b"https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-0000000000aa", NotACredential(Misread.PLACE)),
    "a declaration's page": (b"https://tokhaiyte.vn/", NotACredential(Misread.HEALTH_LINK)),
    "a link": (b"https://evil.example/?x=kbyt.khambenh.gov.vn", NotACredential(Misread.LINK)),
    "nothing": (b"", NotACredential(Misread.OTHER)),
    "a card before it was a card": (b"999090000001", NotACredential(Misread.OTHER)),
    "more than a symbol holds": (PASS + b"A" * 4296, NotACredential(Misread.OTHER)),
    "as much as a symbol holds": (b"9" * 4296, NotACredential(Misread.OTHER)),
}


@pytest.mark.parametrize(("payload", "expected"), SHOWN.values(), ids=SHOWN.keys())
def test_each_code_has_one_reading(payload: bytes, expected: Credential | NotACredential) -> None:
    assert read(payload, TRUST) == expected


# --- any bytes -------------------------------------------------------------------------------------------------


def _near_misses() -> st.SearchStrategy[bytes]:
    """Barred texts of everything that the detectors look at, in every mixture."""
    fields = st.sampled_from(
        [
            *("", "999090000001", "9900000001", "HS4990000000001", "C0000001", "KD1.AAAA", "CCCD:9", "TKVT_1", "https://kbyt.khambenh.gov.vn/"),
            *("NGUYEN VAN THU", "ABCDEF", "4e67", "1990-02-01", "****-**-**", "01021990", "1990", "01/02/1990", "0", "1", "Nam", "12", "$"),
        ]
    )
    return st.lists(fields | st.text(max_size=6), min_size=3, max_size=12).map(lambda each: "|".join(each).encode(errors="surrogatepass"))


CBOR = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=20) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(1, 9), inner, max_size=9) | st.builds(cbor2.CBORTag, st.integers(0, 300), inner)
    ),
    max_leaves=10,
)
PASSES = st.builds(
    lambda claims, signature: b"KD1." + to_base64url(claims) + b"." + to_base64url(signature),
    st.binary(max_size=80) | CBOR.map(cbor2.dumps),
    st.binary(max_size=70),
)


def _torn(payload: bytes) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda at, length, new: payload[:at] + new + payload[at + length :], st.integers(0, len(payload)), st.integers(0, 4), st.binary(max_size=4)
    )


def _cards() -> st.SearchStrategy[bytes]:
    """Health cards and seals around any JSON, with signatures that fit as far as there are any."""
    json_value = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["hdr", "msg", "t", "v", "is", "uvci", "a"]), inner, max_size=7),
        max_leaves=10,
    )
    claims = st.dictionaries(st.sampled_from(list(CLINIC.claims())), json_value).map(lambda changes: CLINIC.issue(CLINIC.claims(**changes)))
    seals = json_value.map(lambda data: b'{"data":{"hdr":' + json.dumps(data).encode() + b"}}")
    certificates = st.binary(max_size=40).map(lambda der: SEAL.replace(WHOLE_CERTIFICATE, to_base64url(der)))
    return claims | seals | certificates | st.binary(max_size=60).map(CLINIC.sign)


WHOLE_CERTIFICATE = json.loads(SEAL)["sig"]["cer"].encode()
KNOWN = st.sampled_from([*CLAIMS, *SIGNED_TEXTS])
ANY = st.binary(max_size=300) | _near_misses() | PASSES | _cards() | KNOWN | KNOWN.flatmap(_torn)


@SEEDED
@given(ANY)
def test_any_bytes_are_a_credential_or_a_typed_refusal(payload: bytes) -> None:
    assert type(read(payload, TRUST)) in {Credential, NotACredential}


@SEEDED
@given(ANY)
@example(b"999090000001|A|1990-02-01|1990|1|")
@example(b"KD1.AAAA|A|1990-02-01|0|1|")
@example(b"999090000001|A|****-**-**|1990|1||")
@example(b"9900000001|ABCDEF|1990-02-01|1|1|$")
@example(b"9900000001|ABCDEF|1990|1990|1|$")
def test_at_most_one_format_takes_a_payload(payload: bytes) -> None:
    takers = [name for name, detect in DETECTORS.items() if detect(payload)]
    assert takers == takers[:1]


OWN_CLAIMS = {shown.person_key for text in SIGNED_TEXTS if isinstance(shown := read(text, TRUST), Credential) and shown.proof is Proof.PROVEN}


@SEEDED
@given(st.binary(max_size=300) | _near_misses() | PASSES | KNOWN | KNOWN.flatmap(_torn))
def test_only_what_the_issuers_signed_is_proven(payload: bytes) -> None:
    shown = read(payload, TRUST)
    assert not isinstance(shown, Credential) or shown.proof is not Proof.PROVEN or shown.person_key in OWN_CLAIMS
    assert len(OWN_CLAIMS) == len(SIGNED_TEXTS)


@SEEDED
@given(st.sampled_from([PASS, CARD]).flatmap(_torn))
def test_a_pass_and_a_health_card_have_one_text_each(payload: bytes) -> None:
    shown = read(payload, TRUST)
    assert payload in SIGNED_TEXTS or not isinstance(shown, Credential) or shown.proof is not Proof.PROVEN


@SEEDED
@given(
    st.binary(max_size=8),
    st.lists(st.text(max_size=5), max_size=9),
    st.none() | st.integers(-1, 2**41),
    st.none() | st.integers(0, 10_001),
    st.integers(0, 51),
)
def test_what_is_written_by_the_rules_is_read_again_and_nothing_else(
    extra: bytes, zones: list[str], until_s: int | None, uses: int | None, party: int
) -> None:
    claims = Claims(ISSUER.key_id, b"12345678" + extra, valid_until_s=until_s, zones=tuple(zones), uses=uses, party=party)
    text = text_to_sign(claims)
    payload = text + b"." + to_base64url(ISSUER.key.sign(text))
    by_the_rules = (
        len(zones) <= 8
        and (until_s is None or 0 <= until_s < 2**40)
        and (uses is None or 1 <= uses <= 10_000)
        and len(payload) <= kd1.TEXT_MAX
        and party in kd1.PARTY
    )
    expected = Credential(
        *(CredentialKind.KD1, Proof.PROVEN, b"kd1:" + claims.pass_id, claims.key_id + claims.pass_id),
        valid_until_s=until_s,
        zones=claims.zones,
        uses=uses,
        party=party,
        marks=(b"pass:" + claims.key_id + claims.pass_id, b"signer:" + claims.key_id),
    )
    assert read(payload, TRUST) == (expected if by_the_rules else NotACredential(Misread.MALFORMED))


# --- nothing of a person is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [*CLAIMS, *SIGNED_TEXTS])
def test_no_text_of_a_person_stands_in_what_would_be_logged(payload: bytes) -> None:
    track = Track("0badcafe-1", TrackState.APPEARED, payload, frame=1, frame_ns=1, decoded_ns=2, last_seen_ns=1, stage="half")
    shown = read(payload, TRUST)
    assert isinstance(shown, Credential)
    logged = f"{track} {shown} {Presentation(track.id, track, shown, several=False, tracks=(track,))}"
    keys = [shown.person_key, *shown.also, *shown.marks, *([shown.pass_key] if shown.pass_key else [])]
    secrets = [*re.split(r'[|":.]', payload.decode()), *(repr(key)[2:-1] for key in keys), "Thử", "THU"]
    assert [secret for secret in secrets if len(secret) > 4 and secret in logged] == []
