from __future__ import annotations

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device.admission.presentations import Presentation
from device.credentials import SIGNED, UNSIGNED, kd1, read
from device.credentials.kd1 import Claims, text_to_sign, to_base64url
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof, Track, TrackState
from tests.gates import Issuer

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=400)

ISSUER = Issuer()
ISSUERS = {ISSUER.key_id: Ed25519PublicKey.from_public_bytes(ISSUER.public)}
DETECTORS = {detect.__module__: detect for detect, _ in (*SIGNED, *UNSIGNED)}

MIC = "999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|<1<GD4999900000001<0900000001"
CCCD = "999190000002||Trần Thị Mẫu|03041990|Nữ|Thôn Mẫu, Xã Thử, Tỉnh Thí Điểm|01082024||||"
PASS = ISSUER.issue(7)

MIC_CLAIM = Credential(CredentialKind.MIC, Proof.CLAIMED, b"qid:162979388500000100")
CCCD_CLAIM = Credential(CredentialKind.CCCD, Proof.CLAIMED, b"cccd:999190000002")
PASS_PROVEN = Credential(CredentialKind.KD1, Proof.PROVEN, b"kd1:" + bytes(7) + b"\x07", ISSUER.key_id + bytes(7) + b"\x07")

SHOWN: dict[str, tuple[bytes, Credential | NotACredential]] = {
    "the unified code": (MIC.encode(), MIC_CLAIM),
    "a citizen card": (CCCD.encode(), CCCD_CLAIM),
    "a signed pass": (PASS, PASS_PROVEN),
    "a broken unified code": (MIC.replace("|0|", "|2|").encode(), NotACredential(Misread.MALFORMED)),
    "a broken card": (CCCD.replace("|Nữ|", "||").encode(), NotACredential(Misread.MALFORMED)),
    "a broken pass": (PASS[:-1], NotACredential(Misread.MALFORMED)),
    "a payment code": (
        b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F",
        NotACredential(Misread.PAYMENT),
    ),
    "a link": (b"https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-0000000000aa", NotACredential(Misread.LINK)),
    "nothing": (b"", NotACredential(Misread.OTHER)),
    "a card before it was a card": (b"999090000001", NotACredential(Misread.OTHER)),
    "more than a symbol holds": (PASS + b"A" * 4296, NotACredential(Misread.OTHER)),
    "as much as a symbol holds": (b"9" * 4296, NotACredential(Misread.OTHER)),
}


@pytest.mark.parametrize(("payload", "expected"), SHOWN.values(), ids=SHOWN.keys())
def test_each_code_has_one_reading(payload: bytes, expected: Credential | NotACredential) -> None:
    assert read(payload, ISSUERS) == expected


# --- any bytes -------------------------------------------------------------------------------------------------


def _near_misses() -> st.SearchStrategy[bytes]:
    """Barred texts of everything that the detectors look at, in every mixture."""
    fields = st.sampled_from(
        ["", "999090000001", "C0000001", "KD1.AAAA", "NGUYEN VAN THU", "1990-02-01", "****-**-**", "01021990", "1990", "0", "1", "Nam", "12"]
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


ANY = st.binary(max_size=300) | _near_misses() | PASSES | st.sampled_from([MIC.encode(), CCCD.encode(), PASS]).flatmap(_torn)


@SEEDED
@given(ANY)
def test_any_bytes_are_a_credential_or_a_typed_refusal(payload: bytes) -> None:
    assert type(read(payload, ISSUERS)) in {Credential, NotACredential}


@SEEDED
@given(ANY)
@example(b"999090000001|A|1990-02-01|1990|1|")
@example(b"KD1.AAAA|A|1990-02-01|0|1|")
@example(b"999090000001|A|****-**-**|1990|1||")
def test_at_most_one_format_takes_a_payload(payload: bytes) -> None:
    takers = [name for name, detect in DETECTORS.items() if detect(payload)]
    assert takers == takers[:1]


@SEEDED
@given(ANY)
def test_only_the_issuers_own_texts_are_proven(payload: bytes) -> None:
    shown = read(payload, ISSUERS)
    assert payload == PASS if isinstance(shown, Credential) and shown.proof is Proof.PROVEN else shown != PASS_PROVEN


@SEEDED
@given(st.binary(max_size=8), st.lists(st.text(max_size=5), max_size=9), st.none() | st.integers(-1, 2**41), st.none() | st.integers(0, 10_001))
def test_what_is_written_by_the_rules_is_read_again_and_nothing_else(extra: bytes, zones: list[str], until_s: int | None, uses: int | None) -> None:
    claims = Claims(ISSUER.key_id, b"12345678" + extra, valid_until_s=until_s, zones=tuple(zones), uses=uses)
    text = text_to_sign(claims)
    payload = text + b"." + to_base64url(ISSUER.key.sign(text))
    by_the_rules = (
        len(zones) <= 8 and (until_s is None or 0 <= until_s < 2**40) and (uses is None or 1 <= uses <= 10_000) and len(payload) <= kd1.TEXT_MAX
    )
    expected = Credential(
        *(CredentialKind.KD1, Proof.PROVEN, b"kd1:" + claims.pass_id, claims.key_id + claims.pass_id),
        valid_until_s=until_s,
        zones=claims.zones,
        uses=uses,
    )
    assert read(payload, ISSUERS) == (expected if by_the_rules else NotACredential(Misread.MALFORMED))


# --- nothing of a person is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [MIC.encode(), CCCD.encode(), PASS])
def test_no_text_of_a_person_stands_in_what_would_be_logged(payload: bytes) -> None:
    track = Track("0badcafe-1", TrackState.APPEARED, payload, frame=1, frame_ns=1, decoded_ns=2, last_seen_ns=1, stage="half")
    shown = read(payload, ISSUERS)
    assert isinstance(shown, Credential)
    logged = f"{track} {shown} {Presentation(track.id, track, shown, several=False, tracks=(track,))}"
    secrets = [*payload.decode().split("|"), shown.person_key.decode(), repr(shown.person_key), repr(shown.pass_key)]
    assert [secret for secret in secrets if len(secret) > 4 and secret in logged] == []
