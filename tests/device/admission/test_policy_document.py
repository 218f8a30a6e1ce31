from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.admission.hours import Opening
from device.admission.lists import ListKind
from device.admission.policy import Declaration, Mode, Outcome, Place, Policy, SealedIdentity, Site, Unsure
from device.admission.policy_document import GATE_KEYS, MISTAKES_MAX, RULE_KEYS, read, top_keys
from device.domain import Credential, CredentialKind, Direction, Instant
from device.errors import SettingsError, VerificationError

RECIPIENT = "85" * 32

LEAST = """
place = "market"
identity.sealed = false
"""

WHOLE = f"""
mode = "list"
accepts = ["kd1", "cccd"]
list_needs_proof = true
counts_for_site = "g1"
place = "ceremony"
site_kind = "temporary"
trip = "61B-999.99"
first_day = 2026-11-20
last_day = "2026-11-22"
capacity = 100
grants_a_minute = 20
party_max = 4
again_after_s = 0
reentry = false
reset_at = "04:30"
untrusted_clock = "overlook"
roll_call = ["19:00", "07:00"]

[[hours]]
days = ["mon", "sun"]
from = "06:00"
to = "18:00"

[[hours]]
from = "22:00"
to = "05:00"

[declaration]
not_declared = "remind"
unknown = "admit"

[lists]
deny = "refuse"
allow = "overlook"

[identity]
sealed = true
recipient = "{RECIPIENT}"
retention_days = 21

[health]
rules = ["VR-VN-0001"]

[shadow]
mode = "verify"

[gates.g2]
capacity = 7
lists = {{ allow = "refuse" }}
place = "office"
roll_call = []

[gates.g2.shadow]
capacity = 5
"""


class Rules:
    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self.raw == other.raw

    def __hash__(self) -> int:
        return 0

    def failed(self, credential: Credential, now: Instant) -> tuple[str, ...]:
        raise NotImplementedError


def policy(text: str, gate: str = "g1", **more: Any) -> Policy:
    return read(tomllib.loads(text), gate=gate, site="s1", zone="main", direction=Direction.ENTRY, **more)


def mistakes(text: str, **more: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        policy(text, **more)
    return [line.removeprefix("  ") for line in caught.value.what.splitlines()[1:]]


# --- what is read ----------------------------------------------------------------------------------------------

HEALTH = Rules({"rules": ["VR-VN-0001"]})
OF_G1: dict[str, Any] = {
    "gate": "g1",
    "zone": "main",
    "direction": Direction.ENTRY,
    "site": "s1",
    "mode": Mode.LIST,
    "accepts": frozenset({CredentialKind.KD1, CredentialKind.CCCD}),
    "list_needs_proof": True,
    "counts_for_site": True,
    "place": Place.CEREMONY,
    "site_kind": Site.TEMPORARY,
    "trip": "61B-999.99",
    "first_day": date(2026, 11, 20),
    "last_day": date(2026, 11, 22),
    "hours": (Opening(360, 1080, frozenset({0, 6})), Opening(1320, 300)),
    "capacity": 100,
    "grants_a_minute": 20,
    "party_max": 4,
    "again_after_s": 0,
    "reentry": False,
    "reset_minute": 270,
    "declaration": Declaration(Outcome.REMIND, Outcome.ADMIT),
    "health": HEALTH,
    "lists": {ListKind.DENY: Unsure.REFUSE, ListKind.ALLOW: Unsure.OVERLOOK},
    "untrusted_clock": Unsure.OVERLOOK,
    "roll_call": (420, 1140),
    "sealed_identity": SealedIdentity(bytes.fromhex(RECIPIENT), 21),
}
OF_G2 = OF_G1 | {
    "gate": "g2",
    "counts_for_site": False,
    "capacity": 7,
    "lists": {ListKind.ALLOW: Unsure.REFUSE},
    "place": Place.OFFICE,
    "roll_call": (),
}


def test_every_key_becomes_what_it_says() -> None:
    assert policy(WHOLE, health_rules=Rules) == Policy(**OF_G1, shadow=Policy(**(OF_G1 | {"mode": Mode.VERIFY})))


def test_a_gates_own_key_takes_the_place_of_the_sites() -> None:
    """Its shadow too: what is not in force there is the gate's own policy with the gate's own change."""
    assert policy(WHOLE, "g2", health_rules=Rules) == Policy(**OF_G2, shadow=Policy(**(OF_G2 | {"capacity": 5})))


def test_what_is_left_out_asks_nothing() -> None:
    assert policy(LEAST) == Policy(gate="g1", zone="main", direction=Direction.ENTRY, site="s1", place=Place.MARKET, again_after_s=10)


@pytest.mark.parametrize(
    ("text", "declaration"),
    [("declaration = {}", Declaration()), ('declaration.unknown = "refuse"', Declaration(unknown=Outcome.REFUSE))],
)
def test_a_declaration_has_its_usual_outcomes(text: str, declaration: Declaration) -> None:
    assert policy(LEAST + text).declaration == declaration


def test_a_site_may_be_there_for_one_day_and_one_kind_of_code() -> None:
    one = policy(LEAST + 'first_day = 2026-11-20\nlast_day = 2026-11-20\naccepts = ["kd2"]')
    assert (one.first_day, one.last_day, one.accepts) == (date(2026, 11, 20), date(2026, 11, 20), frozenset({CredentialKind.KD2}))


# --- what is not -----------------------------------------------------------------------------------------------

HEX = "expected 64 hex digits in small letters, found"
ID = "an id of lower-case letters, digits and hyphens, at most 32"

MISTAKES: dict[str, tuple[str, list[str]]] = {
    "a slip of the pen": (LEAST + "capacty = 7", ["capacty: unknown key (did you mean 'capacity'?)"]),
    "nothing at all": (
        "",
        [
            f"place: is missing: one of {', '.join(Place)} (what kind of place it is)",
            "identity: is missing: a table (whether it is kept who somebody was: the province chooses, never by silence)",
        ],
    ),
    "an identity that does not choose": (
        'place = "market"\nidentity = {}',
        ["identity.sealed: is missing: true or false (whether each event keeps who it was, sealed to the health department)"],
    ),
    "sealed to nobody, for ever": (
        'place = "market"\nidentity.sealed = true',
        [
            "identity.recipient: is missing: 64 hex digits in small letters (a sealed identity needs it)",
            "identity.retention_days: is missing: a whole number, 1 to 3650 (a sealed identity needs it)",
        ],
    ),
    "a wrong key is not also missing": (
        'place = "market"\nidentity = { sealed = true, recipient = "85", retention_days = 3651 }',
        [f"identity.recipient: {HEX} '85'", "identity.retention_days: expected a whole number, 1 to 3650, found 3651"],
    ),
    "not sealed, and yet to somebody": (
        f'place = "market"\nidentity = {{ sealed = false, recipient = "{RECIPIENT}", retention_days = 3 }}',
        [
            "identity.recipient: says nothing where sealed = false (leave it out, or write sealed = true)",
            "identity.retention_days: says nothing where sealed = false (leave it out, or write sealed = true)",
        ],
    ),
    "hours that never begin": (
        LEAST + 'hours = [{ from = "06:00", to = "06:00" }, { from = "00:00", to = "24:00" }, { days = [], to = "24:01" }]',
        [
            'hours[0].to: is the same minute as from (a whole day is from = "00:00", to = "24:00")',
            "hours[2].days: expected a list of 1 to 7, each one of mon, tue, wed, thu, fri, sat, sun, found a list of 0",
            'hours[2].from: is missing: a time such as "06:00", up to 23:59 (open from this minute, in Viet Nam)',
            "hours[2].to: expected a time such as \"06:00\", up to 24:00, found '24:01'",
        ],
    ),
    "hours without an end": (
        LEAST + 'hours = [{ from = "06:00" }]',
        ['hours[0].to: is missing: a time such as "06:00", up to 24:00 (up to this minute; earlier than `from` means the next morning)'],
    ),
    "a day twice": (LEAST + 'hours = [{ days = ["mon", "mon"], from = "06:00", to = "07:00" }]', ["hours[0].days[1]: stands there twice"]),
    "the last day before the first": (
        LEAST + "first_day = 2026-11-20\nlast_day = 2026-11-19",
        ["last_day: 2026-11-19 is before first_day 2026-11-20 (the site would never be open)"],
    ),
    "a temporary site without days": (
        LEAST + 'site_kind = "temporary"',
        [f"{day}: is missing (a temporary site has its first and its last day)" for day in ("first_day", "last_day")],
    ),
    "a temporary site with a wrong day": (
        LEAST + 'site_kind = "temporary"\nfirst_day = 2026-11-20\nlast_day = 22',
        ["last_day: expected a day such as 2026-11-20, found 22"],
    ),
    "a mobile site without a trip": (LEAST + 'site_kind = "mobile"', ["trip: is missing (a mobile site names its vehicle and trip)"]),
    "another gate's mistake": (LEAST + '[gates.g9]\nmode = "open"', ["gates.g9.mode: expected one of verify, record, list, found 'open'"]),
    "another gate's contradiction": (
        LEAST + "last_day = 2026-11-20\n[gates.g9]\nfirst_day = 2026-11-21",
        ["gates.g9.last_day: 2026-11-20 is before first_day 2026-11-21 (the site would never be open)"],
    ),
    "the shadow's contradictions": (
        LEAST + "last_day = 2026-11-20\n[shadow]\nfirst_day = 2026-11-21\n[gates.g9.shadow]\nfirst_day = 2026-11-22",
        [
            "shadow.last_day: 2026-11-20 is before first_day 2026-11-21 (the site would never be open)",
            "gates.g9.shadow.last_day: 2026-11-20 is before first_day 2026-11-22 (the site would never be open)",
        ],
    ),
    "what is wrong at the top is told once": (
        LEAST + 'site_kind = "mobile"\nshadow = {}\n[gates.g9]\ncapacity = 1',
        ["trip: is missing (a mobile site names its vehicle and trip)"],
    ),
    "what holds for the site in a gate's table": (
        LEAST + '[gates.g9]\ncounts_for_site = "g9"\nidentity.sealed = true',
        [
            f"gates.g9.{key}: unknown key (known: {', '.join([*RULE_KEYS, 'health', *GATE_KEYS, 'shadow'])})"
            for key in ("counts_for_site", "identity")
        ],
    ),
    "no gate's name": (LEAST + '[gates."Gate 1"]\nmode = "list"', [f"gates.'Gate 1': expected {ID}, found 'Gate 1'"]),
    "no gate that counts": (LEAST + 'counts_for_site = "-g1"', [f"counts_for_site: expected {ID}, found '-g1'"]),
    "health rules that nobody reads": (LEAST + "[health]", ["health: no health rules can be read here"]),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_every_mistake_is_told_with_its_path(text: str, told: list[str]) -> None:
    assert sorted(mistakes(text)) == sorted(told)


LIMITS = {
    "capacity": (1, 100_000),
    "grants_a_minute": (1, 600),
    "party_max": (1, 50),
    "again_after_s": (0, 3600),
}


@pytest.mark.parametrize(("key", "limits"), LIMITS.items())
def test_numbers_have_limits(key: str, limits: tuple[int, int]) -> None:
    low, high = limits
    assert [getattr(policy(f"{LEAST}{key} = {number}"), key) for number in limits] == [low, high]
    wrong = [mistakes(f"{LEAST}{key} = {number}") for number in (low - 1, high + 1)]
    assert wrong == [[f"{key}: expected a whole number, {low} to {high}, found {number}"] for number in (low - 1, high + 1)]


def test_lists_have_limits() -> None:
    times = [f"{hour:02}:{minute}" for hour in range(24) for minute in (10, 40)]

    def roll_calls(number: int) -> str:
        return f"{LEAST}roll_call = {times[:number]}"

    def hours(number: int) -> str:
        return LEAST + "\n".join(f"[[hours]]\nfrom = {begin!r}\nto = '24:00'" for begin in times[:number])

    def gates(number: int) -> str:
        return LEAST + "\n".join(f"[gates.g{each}]" for each in range(number))

    assert (len(policy(roll_calls(24)).roll_call), len(policy(hours(32)).hours), policy(gates(64)).gate) == (24, 32, "g1")
    assert [mistakes(text)[0].rpartition("found ")[2] for text in (roll_calls(25), hours(33), f"{LEAST}hours = []", gates(65))] == [
        "a list of 25",
        "a list of 33",
        "a list of 0",
        "a table",
    ]


def test_a_sealed_identity_is_erased_within_ten_years() -> None:
    def kept(days: int) -> str:
        return f'place = "market"\nidentity = {{ sealed = true, recipient = "{RECIPIENT}", retention_days = {days} }}'

    identities = [policy(kept(days)).sealed_identity for days in (1, 3650)]
    assert identities == [SealedIdentity(bytes.fromhex(RECIPIENT), days) for days in (1, 3650)]
    assert [len(mistakes(kept(days))) for days in (0, 3651)] == [1, 1]


@pytest.mark.parametrize(
    ("number", "head", "tail"),
    [
        (1, "1 mistake in the policy:", "  x0: unknown key"),
        (2, "2 mistakes in the policy:", "  x1: unknown key"),
        (100, "100 mistakes in the policy:", "  gates.g1.x49: unknown key"),
        (102, "102 mistakes in the policy:", "  … and 2 more"),
    ],
)
def test_mistakes_are_counted_and_the_first_hundred_told(number: int, head: str, tail: str) -> None:
    at_top, of_gate = min(number, 50), max(number - 50, 0)
    text = "\n".join([LEAST, *(f"x{n} = 1" for n in range(at_top)), "[gates.g1]", *(f"x{n} = 1" for n in range(of_gate))])
    with pytest.raises(SettingsError) as caught:
        policy(text)
    lines = caught.value.what.splitlines()
    assert (lines[0], lines[-1].partition(" (")[0], len(lines)) == (head, tail, 1 + min(number, MISTAKES_MAX) + (number > MISTAKES_MAX))
    assert (MISTAKES_MAX, caught.value.hint) == (100, "mend them and check again; docs/policy.md explains every key")


def test_health_rules_tell_their_own_mistakes() -> None:
    def refuses(raw: Mapping[str, Any]) -> Rules:
        raise VerificationError(f"{len(raw)} rules are not CertLogic", hint="ask the province")

    assert mistakes(LEAST + "[health]\na = 1", health_rules=refuses) == ["health: 1 rules are not CertLogic (ask the province)"]
    assert mistakes(LEAST + "health = 7", health_rules=refuses) == ["health: expected a table of health rules, found 7"]


# --- whatever it is given --------------------------------------------------------------------------------------

words = st.sampled_from([*top_keys(), *Mode, *Place, "g1", "from", "to", "days", "06:00", "mon", "sealed", "recipient", "retention_days", RECIPIENT])
leaves = st.none() | st.booleans() | st.integers(-1, 100) | words | st.binary(max_size=3) | st.dates()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.integers(), inner, max_size=5), max_leaves=20)


@given(st.dictionaries(st.sampled_from([*top_keys()]), values, max_size=12))
def test_any_document_is_a_policy_or_one_error(document: dict[str, Any]) -> None:
    assert outcome(document) in {"g1", "mistakes"}


def outcome(document: Mapping[str, Any]) -> str:
    try:
        return read(document, gate="g1", site="s1", zone="main", direction=Direction.ENTRY, health_rules=Rules).gate
    except SettingsError as error:
        return "mistakes" if "\n" in error.what else error.what
