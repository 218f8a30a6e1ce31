"""Payloads made bad before they are wrapped and signed, so that what is behind a format's envelope is asked as well."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import cbor2

from device.admission import list_file
from device.bundles import envelope
from device.credentials import kd2
from device.events.cose import sign1
from tests.cards import negative_test, packed, vaccination
from tests.device.credentials.hc1 import issuer
from tests.fuzz import seeds
from tests.fuzz.mutation import ALONE
from tests.fuzz.trees import anything, changed
from tests.lists import Province

PROVINCE = Province()
ROUNDS = (0, 1, 1, 2, 3)


def _tree(source: random.Random, tree: Any) -> Any:
    for _ in range(source.choice(ROUNDS)):
        tree = changed(source, tree)
    return tree


def _bytes(source: random.Random, data: bytes) -> bytes:
    return source.choice(ALONE)(source, data) if source.random() < 0.3 else data


def _cbor(source: random.Random, tree: Any) -> bytes:
    return _bytes(source, cbor2.dumps(_tree(source, tree), canonical=source.random() < 0.9))


def _json(source: random.Random, tree: Any) -> bytes:
    return _bytes(source, json.dumps(_tree(source, tree), separators=(",", ":"), default=str, ensure_ascii=source.random() < 0.5).encode())


# --- credentials -----------------------------------------------------------------------------------------------


def kd1(source: random.Random) -> bytes:
    """Any claims; half of the time signed by whom the gate believes."""
    claims = {1: seeds.ISSUER.key_id, 2: b"12345678", 3: 0, 4: 2**33, 5: ["hall", "yard"], 6: 1, 7: 3, 8: "g1", 9: 4}
    if source.random() < 0.5:
        claims |= {number: anything(source) for number in claims if source.random() < 0.3}
    whole = seeds.pass_of(_cbor(source, {number: value for number, value in claims.items() if source.random() < 0.8}))
    return whole if source.random() < 0.5 else whole[:-1] + b"A"


def rotating(source: random.Random) -> bytes:
    """Digits that fit, at any time and for any pass."""
    key = kd2.key_id(seeds.ROTATING if source.random() < 0.8 else source.randbytes(32))
    full_id = kd2.full_pass_id(key, source.randbytes(10))
    text = kd2.text_at(kd2.pass_secret(seeds.ROTATING, full_id), full_id, int(10 ** (source.random() * 12))).encode()
    return source.choice(ALONE)(source, text) if source.random() < 0.5 else text


def health(source: random.Random) -> bytes:
    claims = _cbor(source, issuer.claims(issuer.certificate(source.choice("vtr"))))
    protected = _cbor(source, {1: issuer.ES256, 4: seeds.HEALTH.kid}) if source.random() < 0.2 else None
    unprotected = anything(source) if source.random() < 0.1 else None
    tags = source.choice(((18,), (18,), (18,), (), (61, 18), (0,), (18, 18, 18)))
    message = seeds.HEALTH.message(claims, protected, unprotected, tags)
    return issuer.text(_bytes(source, message) if source.random() < 0.2 else message)


def card(source: random.Random) -> bytes:
    claims = packed(_json(source, seeds.CARDS.claims(exp=1_800_000_000)))
    header = _tree(source, {"alg": "ES256", "zip": "DEF", "kid": seeds.CARDS.kid}) if source.random() < 0.1 else None
    try:
        return seeds.CARDS.sign(_bytes(source, claims) if source.random() < 0.2 else claims, header=header)
    except TypeError:  # a header that JSON has not
        return seeds.CARDS.sign(claims)


def seal(source: random.Random) -> bytes:
    data = source.choice((vaccination, negative_test))()
    kept = {name: _tree(source, each) if source.random() < 0.7 else each for name, each in data.items()}
    try:
        return _bytes(source, seeds.SEALS.issue(kept))
    except (ValueError, TypeError, AttributeError):  # what has no canonical form is not signed
        return _json(source, {"data": kept, "sig": {"alg": "ES256", "cer": "", "sigvl": ""}})


BY_FORMAT: dict[str, Callable[[random.Random], bytes]] = {"kd1": kd1, "kd2": rotating, "hc1": health, "shc": card, "vds": seal}


def any_credential(source: random.Random) -> bytes:
    return source.choice(tuple(BY_FORMAT.values()))(source)


# --- what the province and the recorder sign -------------------------------------------------------------------


def document(tree: Any) -> Callable[[random.Random], bytes]:
    """``tree`` changed, as the content of a bundle is written."""

    def write(source: random.Random) -> bytes:
        return cbor2.dumps(_tree(source, tree), canonical=True)

    return write


def bundle(source: random.Random) -> bytes:
    header = {"v": 1, "kind": "policy", "province": "p-999", "sites": ["s-999"], "gates": ["g-999"], "seq": 2, "issued": 1_795_000_000}
    whole = header | {"expires": 1_800_000_000, "content": {"place": "market", "identity": {"sealed": False}}}
    return sign1(PROVINCE.key, _cbor(source, whole), context=envelope.CONTEXT)


def manifest(source: random.Random, values: list[Any]) -> bytes:
    """A list's head, from the plain ``values`` of its manifest."""
    return list_file.head(sign1(PROVINCE.key, _cbor(source, values), context=list_file.CONTEXT), whole=source.random() < 0.5)


def plain(tree: Any) -> Callable[[random.Random], bytes]:
    """``tree`` changed and written as CBOR, torn now and then."""
    return lambda source: _cbor(source, tree)


def plain_json(tree: Any) -> Callable[[random.Random], bytes]:
    return lambda source: _json(source, tree)
