from __future__ import annotations

import pytest

from device.credentials import hcmc
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

UUID = "00000000-0000-4000-8000-000000000001"
PERSON = f"https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id={UUID}"
PLACE = "https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-0000000000aa"

CLAIM = Credential(CredentialKind.HCMC, Proof.CLAIMED, person_key=b"hcmc:" + UUID.encode())

CASES: dict[str, tuple[str, Credential | NotACredential]] = {
    "a person's declaration": (PERSON, CLAIM),
    "without the slash before the fragment": (PERSON.replace("/#", "#"), CLAIM),
    "scheme and host in capitals": (PERSON.replace("https://kbyt.khambenh.gov.vn", "HTTPS://KBYT.Khambenh.gov.VN"), CLAIM),
    "the port that it has anyway": (PERSON.replace(".vn/", ".vn:443/"), CLAIM),
    "a dot behind the host": (PERSON.replace(".vn/", ".vn./"), CLAIM),
    "what a wedge scanner adds": ("\ufeff" + PERSON + "\r\n", CLAIM),
    "a place": (PLACE, NotACredential(Misread.PLACE)),
    "a place's number in capitals": (PLACE.replace("aa", "AA"), NotACredential(Misread.PLACE)),
    "a place's number of another length": (PLACE + "0", NotACredential(Misread.HEALTH_LINK)),
    "a place with a fragment": (PLACE + "#x", NotACredential(Misread.HEALTH_LINK)),
    "a declaration's number cut": (PERSON[:-1], NotACredential(Misread.MALFORMED)),
    "a declaration's number too long": (PERSON + "0", NotACredential(Misread.MALFORMED)),
    "a declaration's number with more behind it": (PERSON + "&x=1", NotACredential(Misread.MALFORMED)),
    "a declaration's number in other digits": (PERSON[:-1] + "\u0661", NotACredential(Misread.MALFORMED)),
    "a declaration's number in braces": (PERSON.replace(UUID, "{" + UUID + "}"), NotACredential(Misread.MALFORMED)),
    "no declaration's number": (PERSON.replace(UUID, ""), NotACredential(Misread.MALFORMED)),
    "the number in the query": (f"https://kbyt.khambenh.gov.vn/tokhai_yte/ketqua?id={UUID}", NotACredential(Misread.HEALTH_LINK)),
    "a query before the fragment": (PERSON.replace("/#", "/?id=1#"), NotACredential(Misread.HEALTH_LINK)),
    "a path before the fragment": (PERSON.replace("/#", "/x#"), NotACredential(Misread.HEALTH_LINK)),
    "another page": ("https://kbyt.khambenh.gov.vn/#tokhai_yte", NotACredential(Misread.HEALTH_LINK)),
    "the host alone": ("https://kbyt.khambenh.gov.vn", NotACredential(Misread.HEALTH_LINK)),
    "without TLS": (PERSON.replace("https", "http"), NotACredential(Misread.HEALTH_LINK)),
    "another port": (PERSON.replace(".vn/", ".vn:8081/"), NotACredential(Misread.HEALTH_LINK)),
}

OTHERS = {
    "the host in a query": "https://evil.example/?x=kbyt.khambenh.gov.vn",
    "the host before an at sign": PERSON.replace(".vn/", ".vn@evil.example/"),
    "the host behind an at sign": PERSON.replace("https://", "https://evil.example@"),
    "the host behind a backslash": PERSON.replace("https://", "https://evil.example\\@"),
    "the host as the beginning of another": PERSON.replace(".vn/", ".vn.evil.example/"),
    "the host as the end of another": PERSON.replace("kbyt", "evilkbyt"),
    "a host below it": PERSON.replace("kbyt", "a.kbyt"),
    "the host as a path": PERSON.replace("https://", "https://evil.example/"),
    "no scheme": PERSON.removeprefix("https://"),
    "a blank before it": " " + PERSON,
    "bytes of no text": PERSON + "\x07",
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_a_link_of_the_citys_declaration_has_one_reading(text: str, expected: Credential | NotACredential) -> None:
    assert (hcmc.detect(text.encode()), hcmc.read(text.encode())) == (True, expected)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_a_link_to_elsewhere_is_left_to_others(text: str) -> None:
    assert (hcmc.detect(text.encode()), hcmc.read(text.encode())) == (False, NotACredential(Misread.HEALTH_LINK))


def test_one_declaration_in_two_spellings_is_one_person() -> None:
    low, high = (hcmc.read(PERSON.replace(UUID, uuid).encode()) for uuid in ("abcdef00-" + UUID[9:], "ABCDEF00-" + UUID[9:]))
    assert low == high == Credential(CredentialKind.HCMC, Proof.CLAIMED, person_key=b"hcmc:abcdef00-" + UUID[9:].encode())
