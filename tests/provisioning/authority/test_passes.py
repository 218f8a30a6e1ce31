from __future__ import annotations

import io
import sys
from datetime import UTC, date, datetime

import pytest
import zxingcpp
from PIL import Image

from device.credentials.kd1 import issuer_key_id, read
from device.domain import Credential, CredentialKind, Direction, Proof
from device.errors import UsageError
from provisioning.authority import keys, passes
from provisioning.authority.passes import Terms

KEY = keys.signing_key_from_seed(b"k" * 32)
ISSUERS = {issuer_key_id(keys.raw_public(KEY)): KEY.public_key()}
FULL = Terms(
    zones=("main", "hall"),
    direction=Direction.ENTRY,
    valid_from=datetime(2027, 5, 1, tzinfo=UTC),
    valid_until=datetime(2027, 5, 31, tzinfo=UTC),
    uses=3,
    counted_at="g-a",
    party=4,
)


def test_the_gate_proves_a_pass_and_reads_every_term() -> None:
    key_id = next(iter(ISSUERS))
    assert read(passes.issue(KEY, FULL, pass_id=b"99900001").encode(), ISSUERS) == Credential(
        kind=CredentialKind.KD1,
        proof=Proof.PROVEN,
        person_key=b"kd1:99900001",
        pass_key=key_id + b"99900001",
        valid_from_s=1809129600,
        valid_until_s=1811721600,
        zones=("main", "hall"),
        direction=Direction.ENTRY,
        uses=3,
        counted_at="g-a",
        party=4,
        marks=(b"pass:" + key_id + b"99900001", b"signer:" + key_id),
    )


def test_a_pass_of_one_seed_and_id_is_the_same_every_time() -> None:
    assert passes.issue(KEY, FULL, pass_id=b"99900001") == passes.issue(KEY, FULL, pass_id=b"99900001")


def test_two_passes_on_the_same_terms_differ() -> None:
    assert passes.issue(KEY, FULL) != passes.issue(KEY, FULL)


def test_the_picture_is_read_back_as_the_exact_text() -> None:
    text = passes.issue(KEY, FULL)
    with Image.open(io.BytesIO(passes.picture(text))) as picture:
        (symbol,) = zxingcpp.read_barcodes(picture.convert("L"), formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    assert symbol.bytes == text.encode()
    assert symbol.ec_level in {"M", "Q", "H"}


def test_the_picture_has_a_quiet_zone_of_four_modules() -> None:
    with Image.open(io.BytesIO(passes.picture("KD1.a.b"))) as picture:
        white = picture.convert("L").point(lambda level: 255 - level).getbbox()
    assert white is not None
    assert white[:2] == (4 * passes.PIXELS_PER_MODULE,) * 2


@pytest.mark.parametrize(
    ("terms", "what"),
    [
        (Terms(uses=1), "uses are counted at one place"),
        (Terms(zones=("Main",)), "'Main' is no id of a zone, gate or site"),
        (Terms(uses=1, counted_at="g/a"), "'g/a' is no id of a zone, gate or site"),
        (Terms(counted_at="g-a"), "uses are counted at one place"),
        (Terms(valid_from=FULL.valid_until, valid_until=FULL.valid_from), "the pass would end before it begins"),
        (Terms(zones=tuple(f"z{number}" for number in range(9))), "no gate would accept such a pass"),
        (Terms(party=51), "no gate would accept such a pass"),
        (Terms(valid_from=datetime(1960, 1, 1, tzinfo=UTC)), "no gate would accept such a pass"),
    ],
)
def test_terms_that_no_gate_would_accept_are_refused(terms: Terms, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        passes.issue(KEY, terms)
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (FULL, "zones main, hall, entry only, 1 May 2027 to 31 May 2027, 3 uses, counted at g-a, 4 people at a time"),
        (Terms(), "every zone, for ever, any number of uses"),
        (Terms(zones=("main",), uses=1, counted_at="g-a"), "zone main, for ever, 1 use, counted at g-a"),
        (Terms(valid_from=FULL.valid_from), "every zone, from 1 May 2027 on, any number of uses"),
        (Terms(valid_until=datetime(2027, 5, 1, 17, 0, tzinfo=UTC)), "every zone, until 2 May 2027, any number of uses"),
        (Terms(party=12), "every zone, for ever, any number of uses, 12 people at a time"),
    ],
)
def test_the_terms_are_told_in_words(terms: Terms, words: str) -> None:
    assert passes.described(terms) == words


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (FULL, "khu main, hall, chỉ chiều vào, từ 1/5/2027 đến 31/5/2027, 3 lượt, đếm tại g-a, mỗi lượt 4 người"),
        (Terms(), "mọi khu, không thời hạn, không giới hạn lượt"),
        (Terms(direction=Direction.EXIT, valid_from=FULL.valid_from), "mọi khu, chỉ chiều ra, từ 1/5/2027, không giới hạn lượt"),
        (Terms(valid_until=FULL.valid_until, party=2), "mọi khu, đến hết 31/5/2027, không giới hạn lượt, mỗi lượt 2 người"),
    ],
)
def test_the_terms_are_told_in_vietnamese(terms: Terms, words: str) -> None:
    assert passes.described_vi(terms) == words


def test_a_pass_that_is_hardly_what_was_wanted_is_doubted() -> None:
    during, after = datetime(2027, 5, 2, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
    doubts = [passes.doubts(terms, now) for terms, now in ((FULL, during), (FULL, after), (Terms(), during), (Terms(zones=("main",)), during))]
    assert doubts == ["", "this pass has expired already", "this pass is good for ever and everywhere; --days and --zone limit it", ""]


def test_a_day_is_a_day_in_viet_nam() -> None:
    day = date(2027, 5, 1)
    assert passes.first_moment(day) == datetime(2027, 4, 30, 17, 0, tzinfo=UTC)
    assert passes.last_moment(date.max).year == 9999
    assert passes.last_moment(day) == datetime(2027, 5, 1, 16, 59, 59, tzinfo=UTC)


def test_a_machine_that_draws_no_symbols_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(UsageError, match="draws no symbols"):
        passes.picture("KD1.a.b")
