from __future__ import annotations

import random

import pytest

from tests.soak.growth import Sample, faults, slope_mb_h, warmed_up


def samples(
    *, hours: float = 2.0, mb_h: float = 0.0, noise_kib: int = 0, warm_up_mb: float = 0.0, every_s: float = 60.0, **last: int
) -> list[Sample]:
    """A process that grows by ``mb_h`` after it has taken ``warm_up_mb`` in its first ten minutes; ``last`` replaces values of the last sample."""
    chance = random.Random(1)
    made = []
    for number in range(int(hours * 3600 / every_s) + 1):
        at_s = number * every_s
        warm = min(at_s / 600, 1) * warm_up_mb
        kib = 1024 * (30 + warm + mb_h * at_s / 3600) + chance.uniform(-noise_kib, noise_kib)
        made.append(Sample(at_s, int(kib), 0, 4, 9, number * 100))
    if last:
        values = {name: getattr(made[-1], name) for name in Sample.__dataclass_fields__}
        made[-1] = Sample(**(values | last))
    return made


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        pytest.param(samples(), [], id="nothing changes"),
        pytest.param(samples(mb_h=0.4), [], id="it grows a little"),
        pytest.param(samples(mb_h=0.6), ["memory grows by 0.60 MB/h, 0.5 are allowed"], id="it grows"),
        pytest.param(samples(mb_h=0.0, noise_kib=200), [], id="it goes up and down"),
        pytest.param(samples(warm_up_mb=20), [], id="it takes its fill and stays"),
        pytest.param(samples(threads=5), ["threads changed: 4, 5"], id="a thread more"),
        pytest.param(samples(descriptors=10), ["descriptors changed: 9, 10"], id="a descriptor more"),
        pytest.param(samples(done=11_900), ["nothing was done between two samples"], id="it stands still"),
        pytest.param(samples(mb_h=-5), [], id="it shrinks"),
        pytest.param(samples(hours=0.35, mb_h=0.6), ["memory grows by 0.60 MB/h, 0.5 are allowed"], id="it grows, just long enough to tell"),
        pytest.param(samples(hours=0.1, mb_h=60), [], id="too short to tell"),
        pytest.param(samples(hours=0.1, threads=5), ["threads changed: 4, 5"], id="a thread more, in a short trial"),
    ],
)
def test_what_is_not_as_it_should_be_is_found(measured: list[Sample], expected: list[str]) -> None:
    assert faults(measured, growth_max_mb_h=0.5) == expected


def test_one_wild_sample_says_nothing_about_the_trend() -> None:
    assert slope_mb_h(samples(mb_h=1.0, pss_kib=10_000_000)) == pytest.approx(1.0, abs=0.05)


def test_a_quarter_of_a_short_trial_and_ten_minutes_of_a_long_one_are_warm_up() -> None:
    assert (warmed_up(samples(hours=0.1))[0].at_s, warmed_up(samples(hours=2))[0].at_s) == (120, 600)
