from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from device.credentials import kd2
from device.credentials.trust import RotatingKey
from device.domain import Credential, Proof
from device.errors import UsageError, VerificationError
from provisioning.authority import rotating

SECRET = b"s" * 32
NOW = datetime(2026, 9, 21, 14, 13, 37, tzinfo=UTC)


def test_a_site_has_one_secret_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    secrets = [rotating.site_secret(tmp_path, "giap-bat"), rotating.site_secret(tmp_path, "giap-bat"), rotating.site_secret(tmp_path, "my-dinh")]
    file = tmp_path / "rotating" / "giap-bat.key"
    assert (secrets[0] == secrets[1], secrets[0] == secrets[2], len(secrets[0])) == (True, False, 32)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("site", ["", "../x", "Giáp Bát", "a/b"])
def test_a_site_is_named_by_its_id(tmp_path: Path, site: str) -> None:
    with pytest.raises(UsageError, match="no id of a site"):
        rotating.site_secret(tmp_path, site)


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"00" * 31, b"\xff" * 64, None])
def test_a_damaged_secret_is_told_and_not_replaced(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "rotating" / "s.key"
    file.parent.mkdir()
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(VerificationError, match="no secret of rotating passes"):
        rotating.site_secret(tmp_path, "s")


def test_the_gate_proves_what_the_telephone_shows() -> None:
    enrolment = rotating.enrol(SECRET)
    shown = kd2.read(enrolment.text_at(NOW).encode(), {kd2.key_id(SECRET): RotatingKey(SECRET)})
    assert isinstance(shown, Credential)
    assert (shown.proof, shown.pass_key, shown.step) == (Proof.PROVEN, b"kd2:" + enrolment.pass_id.encode(), int(NOW.timestamp()) // 30)


def test_a_pass_can_be_told_to_another_telephone_and_two_passes_differ() -> None:
    first, second = rotating.enrol(SECRET), rotating.enrol(SECRET)
    assert rotating.enrol(SECRET, first.pass_id) == first != second


def test_the_link_says_all_that_an_application_needs() -> None:
    enrolment = rotating.enrol(SECRET, kd2.full_pass_id(kd2.key_id(SECRET), b"9990000001"))
    link = urlsplit(enrolment.link)
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    own = asked.pop("secret")
    assert (link.scheme, link.netloc, link.path) == ("otpauth", "totp", "/qrgate:2Z3LP4YC.HE4TSMBQGAYDAMBR")
    assert asked == {"issuer": "qrgate", "algorithm": "SHA1", "digits": "8", "period": "30"}
    assert base64.b32decode(own + "=" * (-len(own) % 8)) == enrolment.secret


def test_no_secret_stands_in_what_would_be_logged() -> None:
    assert "sss" not in repr(rotating.Enrolment("ID", SECRET))


@pytest.mark.parametrize("pass_id", ["", "2Z3LP4YC", "2Z3LP4YC.HE4TSMBQGAYDAMB", "AAAAAAAA.HE4TSMBQGAYDAMBR", "2z3lp4yc.he4tsmbqgaydambr"])
def test_a_pass_of_another_site_is_refused(pass_id: str) -> None:
    with pytest.raises(UsageError, match="no rotating pass of this site"):
        rotating.enrol(SECRET, pass_id)
