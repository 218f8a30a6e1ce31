from __future__ import annotations

import pytest

from device import credentials
from device.bundles.trust import read_trust
from device.credentials.hc1 import signer_of
from device.domain import Credential, CredentialKind, Misread, Proof
from tests.canaries.catalogue import catalogue_of
from tests.canaries.codes import KINDS
from tests.canaries.issuers import Issuers
from tests.canaries.people import people
from tests.canaries.search import Search

PERSON, OTHER = (person for person, _ in zip(people(5), range(2), strict=False))
READ = {
    "mic": (CredentialKind.MIC, Proof.CLAIMED),
    "mic masked": (CredentialKind.MIC, Proof.CLAIMED),
    "cccd 7": (CredentialKind.CCCD, Proof.CLAIMED),
    "cccd 11": (CredentialKind.CCCD, Proof.CLAIMED),
    "bhyt old": (CredentialKind.BHYT, Proof.CLAIMED),
    "bhyt new": (CredentialKind.BHYT, Proof.CLAIMED),
    "hcmc": (CredentialKind.HCMC, Proof.CLAIMED),
    "luong xanh": (CredentialKind.LUONG_XANH, Proof.CLAIMED),
    "tkvt": (CredentialKind.TKVT, Proof.CLAIMED),
    "kd1": (CredentialKind.KD1, Proof.PROVEN),
    "kd1 of a party, counted": (CredentialKind.KD1, Proof.PROVEN),
    "kd1 forged": (CredentialKind.KD1, Proof.FORGED),
    "kd2": (CredentialKind.KD2, Proof.PROVEN),
    "hc1": (CredentialKind.HC1, Proof.PROVEN),
    "hc1 of a stranger": (CredentialKind.HC1, Proof.UNKNOWN_ISSUER),
    "hc1 forged": (CredentialKind.HC1, Proof.FORGED),
    "hc1 damaged": Misread.MALFORMED,
    "shc": (CredentialKind.SHC, Proof.PROVEN),
    "shc forged": (CredentialKind.SHC, Proof.FORGED),
    "vds": (CredentialKind.VDS, Proof.PROVEN),
    "vds cut": Misread.MALFORMED,
    "mic cut": Misread.MALFORMED,
    "cccd of five fields": Misread.MALFORMED,
    "bhyt cut": Misread.MALFORMED,
    "vcard": Misread.CONTACT,
    "mailto": Misread.CONTACT,
    "sms": Misread.CONTACT,
    "wifi": Misread.WIFI,
    "payment": Misread.PAYMENT,
    "link": Misread.LINK,
    "health link": Misread.HEALTH_LINK,
    "a note": Misread.OTHER,
    "a note in UTF-16": Misread.OTHER,
    "bytes": Misread.OTHER,
}


@pytest.fixture(scope="module")
def issuers() -> Issuers:
    return Issuers()


def test_every_kind_of_credential_is_among_the_codes() -> None:
    assert {what[0] for what in READ.values() if isinstance(what, tuple)} == set(CredentialKind)
    assert set(READ) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gate_takes_a_code_for_what_it_is_meant_to_be(kind: str, issuers: Issuers) -> None:
    trust = read_trust(issuers.trust(), read_signer=signer_of)
    shown = credentials.read(KINDS[kind](PERSON, issuers), trust)
    assert READ[kind] == ((shown.kind, shown.proof) if isinstance(shown, Credential) else shown.what)


@pytest.mark.parametrize("kind", KINDS)
def test_each_code_would_be_found_in_a_log(kind: str, issuers: Issuers) -> None:
    """Though only pieces are sought that are in nobody else's code."""
    code = KINDS[kind](PERSON, issuers)
    others = [(1, name, make(OTHER, issuers)) for name, make in KINDS.items()]
    search = Search(catalogue_of((), [(0, kind, code), *others]).patterns())
    assert {hit.what for hit in search.find(b"12:00:00 refused " + code)} >= {f"person 0: code {kind}"}
