"""The province's policy, read from a plain document: what its keys mean, and what one gate of the site makes of them.

Keys at the top hold for every gate of the site. A key in ``[gates.<id>]`` takes the place of the same key for that gate, and
one in ``[shadow]`` for the policy that is only counted. A table there takes the whole table's place: nothing is mixed.
``docs/policy.md`` explains every key to the province.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from device.admission.hours import EVERY_DAY, Opening
from device.admission.lists import ListKind
from device.admission.policy import Declaration, HealthRules, Mode, Outcome, Place, Policy, SealedIdentity, Site, Unsure
from device.admission.tables import (
    Key,
    Keys,
    Kind,
    Mistake,
    WrongValueError,
    choice,
    day,
    flag,
    list_of,
    minute_of_day,
    read_table,
    shown,
    table_of,
    tables_by_name,
    text,
    whole,
)
from device.domain import CredentialKind, Direction
from device.errors import QrgateError, SettingsError

AGAIN_AFTER_S = 10
"""Somebody who is shown again within ten seconds has not gone through twice: a tripod takes about four for each person."""

GATES_MAX, HOURS_MAX, ROLL_CALLS_MAX = 64, 32, 24
MISTAKES_MAX = 100

ReadHealthRules = Callable[[Mapping[str, Any]], HealthRules]


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


IDENTIFIER = text(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", "an id of lower-case letters, digits and hyphens, at most 32")

# --- tables within ---------------------------------------------------------------------------------------------

OPENING_KEYS: Keys = {
    "days": Key("the days on which these hours begin; every day if it is left out", list_of(choice(Weekday), 7, least=1)),
    "from": Key("open from this minute, in Viet Nam", minute_of_day(), needed=True),
    "to": Key("up to this minute; earlier than `from` means the next morning", minute_of_day(with_end=True), needed=True),
}
DECLARATION_KEYS: Keys = {
    "not_declared": Key("what happens to somebody whom the list says to have declared nothing", choice(Outcome)),
    "unknown": Key("what happens to somebody whom the list does not name, or if the list is old", choice(Outcome)),
}
LISTS_KEYS: Keys = {
    ListKind.DENY: Key("who must not come in; an officer is told, the lane shows an ordinary refusal", choice(Unsure)),
    ListKind.ALLOW: Key("who may come in; mode `list` asks for it", choice(Unsure)),
    ListKind.REVOKED: Key("passes, certificates and signers that are no longer good", choice(Unsure)),
    ListKind.EXPECTED: Key("who is in quarantine here and reports at every roll-call", choice(Unsure)),
    ListKind.DECLARED: Key("who has made a health declaration", choice(Unsure)),
}
IDENTITY_KEYS: Keys = {
    "sealed": Key("whether each event keeps who it was, sealed to the health department", flag(), needed=True),
    "recipient": Key("the health department's public key (X25519)", text("[0-9a-f]{64}", "64 hex digits in small letters")),
    "retention_days": Key("days after which the sealed identity is erased", whole(1, 3650)),
}


def _opening(values: Mapping[str, Any]) -> Opening:
    days = frozenset(list(Weekday).index(each) for each in values["days"]) if "days" in values else EVERY_DAY
    return Opening(values["from"], values["to"], days)


def _opening_agrees(values: Mapping[str, Any]) -> Iterable[Mistake]:
    if "from" in values and values["from"] == values.get("to"):
        yield Mistake("to", "is the same minute as from", 'a whole day is from = "00:00", to = "24:00"')


def _identity(values: Mapping[str, Any]) -> SealedIdentity | None:
    return SealedIdentity(bytes.fromhex(values["recipient"]), values["retention_days"]) if values["sealed"] else None


def _identity_agrees(values: Mapping[str, Any]) -> Iterable[Mistake]:
    sealed = values.get("sealed")
    for name in ("recipient", "retention_days"):
        if sealed is True and name not in values:
            yield Mistake(name, f"is missing: {IDENTITY_KEYS[name].kind.expects}", "a sealed identity needs it")
        if sealed is False and name in values:
            yield Mistake(name, "says nothing where sealed = false", "leave it out, or write sealed = true")


# --- the keys of a policy --------------------------------------------------------------------------------------

RULE_KEYS: Keys = {
    "mode": Key("what it takes to come in: a proof, a recognised claim that is recorded, or a place on the allow list", choice(Mode)),
    "accepts": Key("the kinds of codes this gate asks for", list_of(choice(CredentialKind), len(CredentialKind), least=1)),
    "list_needs_proof": Key("in mode `list`, a claim that nobody has proven is refused", flag()),
    "first_day": Key("the site is closed before this day", day()),
    "last_day": Key("the site is closed after this day", day()),
    "hours": Key("when the site is open, any of several", list_of(table_of(OPENING_KEYS, _opening, agree=_opening_agrees), HOURS_MAX, least=1)),
    "capacity": Key("people who may be inside at once", whole(1, 100_000)),
    "grants_a_minute": Key("people let in within a minute at most", whole(1, 600)),
    "party_max": Key("people whom one proven pass may let through: a carer, and those without a code", whole(1, 50)),
    "again_after_s": Key("seconds within which a person shown again is the same person still", whole(0, 3600)),
    "reentry": Key("whether somebody who is inside, as far as the gate knows, may come in again", flag()),
    "declaration": Key("what follows from the health declaration", table_of(DECLARATION_KEYS, lambda values: Declaration(**values))),
    "lists": Key("the lists that this gate must have, and what happens while one is missing or old", table_of(LISTS_KEYS, MappingProxyType)),
    "untrusted_clock": Key("what happens to rules that need the date while the gate's clock may not be believed", choice(Unsure)),
}
"""Keys that a shadow policy may change."""

GATE_KEYS: Keys = {
    "place": Key("what kind of place it is", choice(Place), needed=True),
    "roll_call": Key("times by which everybody on the list of expected persons must have reported", list_of(minute_of_day(), ROLL_CALLS_MAX)),
}
"""Further keys that one gate may have for itself."""

SITE_KEYS: Keys = {
    "site_kind": Key("whether the site stays, moves, or is there for some days only", choice(Site)),
    "trip": Key("vehicle and trip of a mobile site", text(r"[^\x00-\x1f\x7f]{1,64}", "a text of at most 64 characters")),
    "counts_for_site": Key("the one gate that counts the uses of passes that name the whole site", IDENTIFIER),
    "reset_at": Key("time of the night at which everybody counts as having left", minute_of_day()),
    "identity": Key(
        "whether it is kept who somebody was: the province chooses, never by silence",
        table_of(IDENTITY_KEYS, _identity, agree=_identity_agrees),
        needed=True,
    ),
}
"""Keys that hold for the whole site."""


def top_keys(health_rules: ReadHealthRules | None = None) -> dict[str, Key]:
    """Every key at the top of a policy."""
    rules = {**RULE_KEYS, "health": Key("rules for the content of health certificates", _health(health_rules))}
    shadow = {"shadow": Key("a policy that is not yet in force: it is counted whom it would refuse", table_of(rules))}
    of_gate = {name: Key(key.about, key.kind) for name, key in {**rules, **GATE_KEYS, **shadow}.items()}
    gates = {"gates": Key("keys that one gate has for itself", tables_by_name(IDENTIFIER, table_of(of_gate), GATES_MAX))}
    return {**GATE_KEYS, **SITE_KEYS, **rules, **shadow, **gates}


def _health(health_rules: ReadHealthRules | None) -> Kind:
    def read(raw: Any) -> HealthRules:
        if health_rules is None:
            raise WrongValueError([Mistake("", "no health rules can be read here")])
        if not isinstance(raw, Mapping):
            raise WrongValueError([Mistake("", f"expected a table of health rules, found {shown(raw)}")])
        try:
            return health_rules(raw)
        except QrgateError as error:
            raise WrongValueError([Mistake("", error.what, error.hint)]) from error

    return Kind("a table of health rules", read)


# --- the document ----------------------------------------------------------------------------------------------


def read(
    document: Mapping[str, Any],
    *,
    gate: str,
    site: str,
    zone: str,
    direction: Direction,
    health_rules: ReadHealthRules | None = None,
) -> Policy:
    """The policy of ``gate``. All of ``document`` is checked, what it says of other gates too.

    Raises:
        SettingsError: with every mistake of the document, one a line: path, what was expected, what was found.
    """
    top, mistakes = read_table(document, top_keys(health_rules))
    gates = top.pop("gates", {})
    told = {mistake.path for mistake in mistakes}
    mistakes += [each for each in _contradictions(top, {name: {**top, **keys} for name, keys in gates.items()}) if each.path not in told]
    if mistakes:
        raise _refusal(mistakes)
    here = {**top, **gates.get(gate, {})}
    shadow = here.pop("shadow", None)

    def policy(values: Mapping[str, Any], shadow: Policy | None = None) -> Policy:
        return Policy(gate=gate, zone=zone, direction=direction, site=site, shadow=shadow, **_fields(values, gate))

    return policy(here, None if shadow is None else policy({**here, **shadow}))


def _fields(values: Mapping[str, Any], gate: str) -> dict[str, Any]:
    """Keys of the document as fields of ``Policy``."""
    fields = {"again_after_s": AGAIN_AFTER_S, **values}
    fields["sealed_identity"] = fields.pop("identity")
    fields["counts_for_site"] = fields.get("counts_for_site") == gate
    if "reset_at" in fields:
        fields["reset_minute"] = fields.pop("reset_at")
    if "accepts" in fields:
        fields["accepts"] = frozenset(fields["accepts"])
    if "roll_call" in fields:
        fields["roll_call"] = tuple(sorted(fields["roll_call"]))
    return fields


def _contradictions(top: Mapping[str, Any], gates: Mapping[str, Mapping[str, Any]]) -> list[Mistake]:
    """What each key allows by itself and all together do not. What is wrong at the top is not told again for every gate."""
    found = list(_disagree(top))
    policies = {f"gates.{name}": values for name, values in gates.items()}
    shadows = {f"{path}.shadow".lstrip("."): {**values, **values["shadow"]} for path, values in {"": top, **policies}.items() if "shadow" in values}
    for path, values in {**policies, **shadows}.items():
        found += [mistake.under(path) for mistake in _disagree(values) if mistake not in _disagree(top)]
    return found


def _disagree(values: Mapping[str, Any]) -> list[Mistake]:
    found = []
    kind = values.get("site_kind")
    if "first_day" in values and "last_day" in values and values["last_day"] < values["first_day"]:
        found.append(Mistake("last_day", f"{values['last_day']} is before first_day {values['first_day']}", "the site would never be open"))
    if kind is Site.TEMPORARY:
        found += [
            Mistake(name, "is missing", "a temporary site has its first and its last day") for name in ("first_day", "last_day") if name not in values
        ]
    if kind is Site.MOBILE and "trip" not in values:
        found.append(Mistake("trip", "is missing", "a mobile site names its vehicle and trip"))
    return found


def _refusal(mistakes: list[Mistake]) -> SettingsError:
    listing = [f"  {mistake}" for mistake in mistakes[:MISTAKES_MAX]]
    if len(mistakes) > MISTAKES_MAX:
        listing.append(f"  … and {len(mistakes) - MISTAKES_MAX} more")
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    return SettingsError("\n".join([f"{count} in the policy:", *listing]), hint="mend them and check again; docs/policy.md explains every key")
