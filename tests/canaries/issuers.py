"""Everybody who signs codes of the canaries, and the province's trust document that names them."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.credentials import kd2
from provisioning.authority.trust import health_entry
from tests.canaries.people import Person
from tests.canaries.spelling import bare
from tests.cards import CardIssuer, SealAuthority, SealSigner, vaccination
from tests.device.credentials.hc1.issuer import ES256, HealthIssuer, certificate, claims, text
from tests.gates import Issuer

DAY_S = 86_400


class HealthIssuerOfToday(HealthIssuer):
    """One whose certificate is good now: without it, no health certificate would be admitted."""

    @cached_property
    def der(self) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "999 signer"), x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "VN")])
        return self_signed(self.key, name)


def self_signed(key: Any, name: x509.Name) -> bytes:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 999).not_valid_before(now - timedelta(400)).not_valid_after(now + timedelta(400))
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


@dataclass
class Issuers:
    """``rotating`` is the site's secret of rotating passes. A stranger is somebody whom no gate knows."""

    passes: Issuer = field(default_factory=lambda: Issuer(seed=9))
    health: HealthIssuer = field(default_factory=lambda: HealthIssuerOfToday(seed=9))
    stranger: HealthIssuer = field(default_factory=lambda: HealthIssuer(seed=10))
    cards: CardIssuer = field(default_factory=CardIssuer)
    seals: SealSigner = field(default_factory=lambda: SealSigner(SealAuthority()))
    rotating: bytes = b"canary rotating secret of a site"

    def trust(self) -> dict[str, Any]:
        """The document that a trust bundle carries."""
        authority = self.seals.authority
        card_key: ec.EllipticCurvePublicKey = self.cards.key.public_key()
        point = card_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "passes": [self.passes.public],
            "rotating": {kd2.key_id(self.rotating): {"secret": self.rotating}},
            "health": [health_entry(self.health.der)],
            "cards": [{"issuer": self.cards.url, "kid": self.cards.kid, "key": point}],
            "seals": [{"country": authority.country, "certificate": self_signed(authority.key, authority.subject)}],
        }

    # --- signed codes of a person ------------------------------------------------------------------------------

    def health_certificate(self, person: Person) -> bytes:
        return text(self.health.message(_health_claims(person)))

    def strangers_certificate(self, person: Person) -> bytes:
        return text(self.stranger.message(_health_claims(person)))

    def forged_certificate(self, person: Person) -> bytes:
        """By the stranger, in the name of the one whom gates know."""
        return text(self.stranger.message(_health_claims(person), {1: ES256, 4: self.health.kid}))

    def card(self, person: Person) -> bytes:
        card = self.cards.claims(nbf=int(time.time()) - DAY_S)
        patient = card["vc"]["credentialSubject"]["fhirBundle"]["entry"][0]["resource"]
        patient["name"] = [{"text": person.name, "family": person.name.split(" ")[0], "given": person.name.split(" ")[1:]}]
        patient |= {"birthDate": person.born.isoformat(), "telecom": [{"system": "phone", "value": person.phone}]}
        return self.cards.issue(card)

    def seal(self, person: Person) -> bytes:
        data = vaccination()
        pid = {"n": person.name, "dob": person.born.isoformat(), "sex": "M", "i": person.passport}
        data["msg"] |= {"uvci": "U" + hashlib.sha256(person.uvci.encode()).hexdigest()[:12].upper(), "pid": pid}
        return self.seals.issue(data)

    def rotating_pass(self, person: Person) -> bytes:
        """As the telephone shows it now."""
        full_id = kd2.full_pass_id(kd2.key_id(self.rotating), person.rotating_id)
        return kd2.text_at(kd2.pass_secret(self.rotating, full_id), full_id, int(time.time())).encode()

    def signed_pass(self, person: Person, **claims: object) -> bytes:
        return self.passes.issue(int.from_bytes(person.pass_id, "big"), **claims)


def _health_claims(person: Person) -> bytes:
    now_s = int(time.time())
    family, _, given = person.name.partition(" ")
    name = {"fn": family, "gn": given, "fnt": bare(family).upper(), "gnt": bare(given).upper().replace(" ", "<")}
    record = certificate("v", ci=person.uvci) | {"nam": name, "dob": person.born.isoformat()}
    told: bytes = cbor2.dumps(claims(record, iat=now_s - DAY_S, exp=now_s + 30 * DAY_S))
    return told
