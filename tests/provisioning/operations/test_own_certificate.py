from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.errors import VerificationError
from provisioning.authority import office, tls_identities
from provisioning.authority.init import Layout
from provisioning.operations import settings
from provisioning.operations.own_certificate import LOOK_S, TELL_S, OwnCertificate
from tests.provisioning.live import provision

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return provision(tmp_path)


@pytest.fixture
def own(layout: Layout, caplog: pytest.LogCaptureFixture) -> OwnCertificate:
    caplog.set_level(logging.INFO, "qrgate.recorder")
    return OwnCertificate(settings.load(layout.recorder).broker, 0)


@pytest.fixture
def looks(own: OwnCertificate) -> Callable[[int], list[bool]]:
    """What so many looks say, each as long after the one before as is needed."""
    now_s = 0.0

    def look(count: int) -> list[bool]:
        nonlocal now_s
        said = []
        for _ in range(count):
            now_s += LOOK_S
            said.append(own.look(now_s, NOW))
        return said

    return look


def renew(layout: Layout, now: datetime = NOW) -> None:
    tls_identities.renew(office.open_office(layout.authority), layout.recorder.parent, ("recorder",), now=now)


def test_new_files_are_taken_once_they_have_stood_still_and_told_when_the_broker_has_taken_them(
    layout: Layout, own: OwnCertificate, looks: Callable[[int], list[bool]], caplog: pytest.LogCaptureFixture
) -> None:
    old = own.choose()
    own.was_taken()
    assert looks(3) == [False, False, False]
    renew(layout)
    assert looks(4) == [False, True, False, False]
    new = own.choose()
    own.was_taken()
    assert (new is old, own.choose() is new, caplog.messages) == (
        False,
        True,
        ["the broker has taken the recorder's new certificate, which ends on 2027-12-01"],
    )


def test_where_the_broker_refuses_the_new_one_old_and_new_are_tried_by_turns(
    layout: Layout, own: OwnCertificate, looks: Callable[[int], list[bool]], caplog: pytest.LogCaptureFixture
) -> None:
    old = own.choose()
    own.was_taken()
    renew(layout)
    assert looks(2) == [False, True]
    tried = [own.choose() for _ in range(4)]
    assert ([each is old for each in tried], tried[0] is tried[2]) == ([False, True, False, True], True)
    own.was_taken()
    assert [own.choose() is old for _ in range(2)] == [False, True]  # a later connection
    own.was_taken()
    (line,) = caplog.messages
    assert line.startswith("the broker refuses the recorder's new certificate; goes on with the old one, which ends on ")


def test_half_a_copy_is_told_once_and_the_other_half_makes_it_whole(
    layout: Layout, own: OwnCertificate, looks: Callable[[int], list[bool]], caplog: pytest.LogCaptureFixture
) -> None:
    old, key = own.choose(), layout.recorder / "tls" / "recorder.key"
    before = key.read_bytes()
    renew(layout)
    whole = key.read_bytes()
    key.write_bytes(before)
    assert (looks(4), own.choose() is old) == ([False] * 4, True)
    (line,) = caplog.messages
    assert line.startswith("the TLS files of the recorder cannot be used: ")
    assert line.endswith("; goes on with the old ones")
    key.unlink()
    assert looks(2) == [False, False]
    key.write_bytes(whole)
    assert looks(2) == [False, True]
    assert own.choose() is not old


def test_an_end_that_is_near_is_told_once_a_day_with_what_to_do(layout: Layout, caplog: pytest.LogCaptureFixture) -> None:
    renew(layout, NOW - timedelta(days=380))
    own = OwnCertificate(settings.load(layout.recorder).broker, 0)
    for now_s in (0, 1, TELL_S - 1, TELL_S):
        own.look(now_s, NOW)
    told = "the recorder's certificate ends on 2026-11-16; in the office: qrgate-provision certificates --out DIR --renew recorder"
    assert caplog.messages == [told, told]


def test_without_usable_files_there_is_no_start(layout: Layout) -> None:
    (layout.recorder / "tls" / "recorder.crt").unlink()
    with pytest.raises(VerificationError, match="the TLS files of the recorder cannot be used"):
        OwnCertificate(settings.load(layout.recorder).broker, 0)
