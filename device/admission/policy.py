"""What a gate asks of whoever wants to pass: the province's choices, as frozen values.

The gate reads them from a signed bundle (``policy_document.py``); without one, from the few keys of ``site.toml``.
``decide.py`` holds the rules that go by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from device.admission.hours import Opening
from device.admission.lists import ListKind
from device.domain import Credential, CredentialKind, Direction, Instant

PASSES = frozenset({CredentialKind.KD1, CredentialKind.KD2})
"""Permission to pass. Every other kind says who somebody is, or how healthy: no gate lets in for that unless it is told to."""


class Mode(StrEnum):
    """What it takes to pass."""

    VERIFY = "verify"  # a proof: anybody can print the rest
    RECORD = "record"  # a recognised claim: the directives' own purpose is to write down who passes
    LIST = "list"  # to be on the allow list


class Outcome(StrEnum):
    """What follows from a health declaration that was made, was not made, or of which nothing is known."""

    ADMIT = "admit"
    REMIND = "remind"  # let in, and tell the person what is missing
    REFUSE = "refuse"


class Unsure(StrEnum):
    """What to do where a rule cannot be checked: its list is too old, or the clock may not be believed."""

    REFUSE = "refuse"
    OVERLOOK = "overlook"


class Site(StrEnum):
    FIXED = "fixed"
    MOBILE = "mobile"  # on board of a vehicle
    TEMPORARY = "temporary"  # a wedding, a meeting, a vaccination day


class Place(StrEnum):
    """Kinds of places: the list of Lào Cai's directive of 2021, which ends with an ellipsis."""

    OFFICE = "office"  # trụ sở làm việc
    FACTORY = "factory"  # khu công nghiệp, nhà máy, xí nghiệp, cơ sở sản xuất kinh doanh
    RESTAURANT = "restaurant"  # cơ sở kinh doanh dịch vụ ăn, uống phục vụ tại chỗ
    BAR = "bar"  # quán bar, vũ trường, karaoke
    BEAUTY = "beauty"  # cơ sở dịch vụ xoa bóp, làm đẹp
    GYM = "gym"  # phòng tập thể dục, thể hình
    MEETING = "meeting"  # cuộc họp, hội nghị, hội thảo, tập huấn
    HOSPITAL = "hospital"  # bệnh viện, các cơ sở y tế
    APARTMENTS = "apartments"  # chung cư
    SCHOOL = "school"  # trường học
    STATION = "station"  # nhà ga, bến xe, bến tàu, nhà chờ
    VEHICLE = "vehicle"  # trên phương tiện giao thông công cộng
    SHOPPING_CENTRE = "shopping_centre"  # trung tâm thương mại, siêu thị
    MARKET = "market"  # chợ đầu mối, chợ dân sinh
    SHOP = "shop"  # cửa hàng cung cấp các dịch vụ thiết yếu
    CEREMONY = "ceremony"  # đám tang, đám cưới
    SIGHT = "sight"  # địa điểm tham quan, du lịch, vui chơi, giải trí
    SHRINE = "shrine"  # khu tâm linh
    LODGING = "lodging"  # nhà trọ, khách sạn, cơ sở lưu trú (Bình Dương 2021, Lạng Sơn 2021)
    QUARANTINE = "quarantine"  # khu cách ly (Bình Dương 2021)
    BORDER = "border"  # cửa khẩu (Lạng Sơn 2021)
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What follows from the list of who has declared their health, for those who have not and those it does not name."""

    not_declared: Outcome = Outcome.REFUSE
    unknown: Outcome = Outcome.REMIND


@dataclass(frozen=True, slots=True)
class SealedIdentity:
    """Who the bearer was, sealed to the health department's X25519 key; erased after ``retention_days``."""

    recipient: bytes
    retention_days: int = 30


class HealthRules(Protocol):
    """Rules of a health certificate's content (``health_rules.py``)."""

    def failed(self, credential: Credential, now: Instant) -> tuple[str, ...]:
        """The ids of the rules that do not hold."""


NO_LISTS: Mapping[ListKind, Unsure] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Policy:
    """What one gate asks. ``None`` and empty values ask nothing.

    ``counts_for_site`` says that this is the one gate of its site that counts the uses of passes that name the site: two
    gates without a network could not count together. ``lists`` are those that this gate must have, and what follows
    where one is missing or older than it may be. ``again_after_s`` is the time within which one person shown again is
    the same person still, ``reset_minute`` the minute of the night (Viet Nam) at which everybody counts as having left:
    one exit that was missed locks nobody out. ``shadow`` is a policy that is not yet in force: it is counted what it would
    refuse.
    """

    gate: str
    zone: str
    direction: Direction
    site: str = ""
    mode: Mode = Mode.VERIFY
    accepts: frozenset[CredentialKind] | None = None
    list_needs_proof: bool = False
    counts_for_site: bool = False
    place: Place = Place.OTHER
    site_kind: Site = Site.FIXED
    trip: str = ""
    first_day: date | None = None
    last_day: date | None = None
    hours: tuple[Opening, ...] = ()
    capacity: int | None = None
    grants_a_minute: int | None = None
    party_max: int = 1
    again_after_s: int = 0
    reentry: bool = True
    reset_minute: int = 3 * 60
    declaration: Declaration | None = None
    health: HealthRules | None = None
    lists: Mapping[ListKind, Unsure] = field(default_factory=lambda: NO_LISTS)
    untrusted_clock: Unsure = Unsure.REFUSE
    roll_call: tuple[int, ...] = ()  # minutes of the day (Viet Nam) by which everybody expected must have reported
    sealed_identity: SealedIdentity | None = None
    shadow: Policy | None = None

    @property
    def takes_claims(self) -> bool:
        """Is a claim enough here that nobody has proven?"""
        return self.mode is Mode.RECORD or (self.mode is Mode.LIST and not self.list_needs_proof)

    @property
    def kinds(self) -> frozenset[CredentialKind]:
        """The kinds that are accepted here: what the province named, else passes where a proof is asked, and all where a claim is enough."""
        if self.accepts is not None:
            return self.accepts
        return PASSES if self.mode is Mode.VERIFY else frozenset(CredentialKind)
