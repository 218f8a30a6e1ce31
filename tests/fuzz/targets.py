"""The parsers that are fuzzed: a new one is one line in ``TARGETS``, a new credential format one in ``seeds.BY_FORMAT``,
and one that is signed a writer in ``writers.BY_FORMAT``."""

from __future__ import annotations

import json
from collections.abc import Callable

from device import credentials
from device.credentials import SIGNED, UNSIGNED, links, misreads, payment
from device.domain import Credential, NotACredential, Proof
from device.explain import masked
from tests.fuzz import documents, seeds, writers
from tests.fuzz.rules import RULES
from tests.fuzz.trial import Target

ANSWERS = (Credential, NotACredential)


class BrokenRuleError(AssertionError):
    """A parser gave an answer of the right type that must not be."""


def _format(detect: Callable[[bytes], bool], read: Callable[[bytes], Credential | NotACredential], proofs: tuple[Proof, ...]) -> Target:
    """One format as ``credentials.read`` uses it, and ``read`` on what its detector would not let through as well."""

    def call(payload: bytes) -> object:
        if type(detect(payload)) is not bool:
            raise BrokenRuleError("a detector says yes or no")
        answer = read(payload)
        if isinstance(answer, Credential) and (answer.proof not in proofs or not answer.person_key):
            raise BrokenRuleError("a claim is not proven, and somebody's")
        return answer

    name = detect.__module__.rpartition(".")[2]
    return Target(name, call, (*seeds.BY_FORMAT[name], *seeds.REFUSED.get(name, ())), ANSWERS, write=writers.BY_FORMAT.get(name))


def _read(payload: bytes) -> object:
    if sum(detect(payload) for detect, _ in (*SIGNED, *UNSIGNED)) > 1:
        raise BrokenRuleError("one format a payload")
    return credentials.read(payload, seeds.TRUST)


def _with_trust(read: credentials.Read) -> Callable[[bytes], Credential | NotACredential]:
    return lambda payload: read(payload, seeds.TRUST)


def _masked(payload: bytes) -> object:
    """What ``explain`` tells of a credential, as it is written for machines; never the whole of what names a person."""
    answer = credentials.read(payload, seeds.TRUST)
    if isinstance(answer, NotACredential):
        return answer
    told = json.dumps(masked.facts(answer))
    if len(answer.person_key) > 20 and repr(answer.person_key)[2:-1] in told:
        raise BrokenRuleError("a person is named")
    return told


# --- the table -------------------------------------------------------------------------------------------------

EVERYTHING = (*(seed for each in (*seeds.BY_FORMAT.values(), *seeds.REFUSED.values()) for seed in each), *seeds.MISREADS)
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("read", _read, EVERYTHING, ANSWERS, write=writers.any_credential),
        *(_format(detect, _with_trust(read), tuple(Proof)) for detect, read in SIGNED),
        *(_format(detect, read, (Proof.CLAIMED,)) for detect, read in UNSIGNED),
        Target("misreads", misreads.read, seeds.MISREADS, (NotACredential,)),
        Target("payment", payment.detect, seeds.MISREADS, (bool,)),
        Target("links", links.parse, (*seeds.BY_FORMAT["hcmc"], *seeds.MISREADS), (links.Link, type(None))),
        Target("masked", _masked, EVERYTHING, (str, NotACredential), write=writers.any_credential),
        *documents.TARGETS,
        RULES,
    )
}
