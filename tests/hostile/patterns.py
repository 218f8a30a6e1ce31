"""Pictures that are no code, or no longer one, or one that is not ours to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import zxingcpp

from device.reader.frame import Luma
from tests.device.reader.pictures import code, scene
from tests.hostile.cases import HEIGHT, WIDTH, Case, shown
from tests.hostile.payloads import STRANGER, cccd

SEED = 711
GOOD = b"999 a valid code"

Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)


def cases() -> Iterator[Case]:
    for name, pixels in (*_flat(), *_periodic(), *_noises(), *_finders()):
        yield Case(name, np.ascontiguousarray(pixels, np.uint8))
    yield from _damaged()
    yield from _transformed()
    yield from _others()
    yield from _sizes()


def _flat() -> Iterator[tuple[str, Luma]]:
    for level in (0, 1, 127, 254, 255):
        yield f"flat: {level}", np.full((HEIGHT, WIDTH), level, np.uint8)
    yield "gradient: across", _grey(X / WIDTH)
    yield "gradient: down", _grey(Y / HEIGHT)
    yield "gradient: steep", _grey((X + Y) / 40 % 1)
    yield "gradient: round", _grey(np.hypot(X - WIDTH / 2, Y - HEIGHT / 2) / WIDTH)


def _periodic() -> Iterator[tuple[str, Luma]]:
    for side in (1, 2, 3, 4, 8, 16, 40):
        yield f"checkerboard: {side}", _binary((X // side + Y // side) % 2)
    for side in (1, 2, 3, 7, 20):
        yield f"stripes: {side}", _binary(X // side % 2)
    for pitch in (3.0, 5.5, 9.0, 14.0, 28.0):
        yield f"rings: {pitch:g}", _binary(np.hypot(X - WIDTH / 2, Y - HEIGHT / 2) // pitch % 2)
        yield f"moiré: {pitch:g}", _grey(0.5 + 0.25 * np.sin(X / pitch * 6.28) + 0.25 * np.sin((X * 0.97 + Y * 0.24) / pitch * 6.28))
    yield "zone plate", _grey(0.5 + 0.5 * np.cos(((X - WIDTH / 2) ** 2 + (Y - HEIGHT / 2) ** 2) / 90))


def _noises() -> Iterator[tuple[str, Luma]]:
    rng = np.random.default_rng(SEED)
    for share in (0.01, 0.1, 0.5, 0.9):
        yield f"binary noise: {share:g}", _binary(rng.random((HEIGHT, WIDTH)) < share)
    for side in (2, 3, 4, 6):
        cells = rng.random((HEIGHT // side + 1, WIDTH // side + 1)) < 0.5
        yield f"noise of modules: {side}", _binary(cells.repeat(side, 0).repeat(side, 1)[:HEIGHT, :WIDTH])
    for deviation in (5, 40):
        yield f"grain: {deviation}", np.clip(rng.normal(128, deviation, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


def _finders() -> Iterator[tuple[str, Luma]]:
    """Every place looks like the corner of a code: the search for three that fit together grows with the cube."""
    finder = np.pad(code(b"999", scale=1)[4:11, 4:11], 1, constant_values=255)
    for scale, gap in ((1, 0), (2, 0), (2, 2), (3, 0), (3, 6), (5, 0), (8, 4)):
        tile = np.pad(finder.repeat(scale, 0).repeat(scale, 1), ((0, gap), (0, gap)), constant_values=255)
        rows, columns = HEIGHT // tile.shape[0] + 1, WIDTH // tile.shape[1] + 1
        tiled = np.tile(tile, (rows, columns))[:HEIGHT, :WIDTH]
        yield f"finders: {scale} pixels, {gap} apart", tiled
        yield f"finders: {scale} pixels, {gap} apart, light on dark", np.invert(tiled).astype(np.uint8)
    rng = np.random.default_rng(SEED + 1)
    for number in range(4):
        wall = _binary(rng.random((HEIGHT // 3, WIDTH // 3)) < 0.5).repeat(3, 0).repeat(3, 1)
        for _ in range(60):
            y, x = rng.integers(0, wall.shape[0] - 27), rng.integers(0, wall.shape[1] - 27)
            wall[y : y + 27, x : x + 27] = finder.repeat(3, 0).repeat(3, 1)
        yield f"finders: strewn over noise {number}", wall


def _damaged() -> Iterator[Case]:
    """Beyond what error correction holds: nothing, or what was there; never something else."""
    rng = np.random.default_rng(SEED + 2)
    whole = code(GOOD, scale=5, error="m")
    other = code(b"999 another code", scale=5, error="m")
    for share in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
        flipped = rng.random((whole.shape[0] // 5, whole.shape[1] // 5)).repeat(5, 0).repeat(5, 1) < share
        yield shown(f"damaged: {share:g} of the modules", np.where(flipped, ~whole, whole).astype(np.uint8), truth=[GOOD])
    side = min(whole.shape[0], other.shape[0])
    one, two = whole[:side, :side], other[:side, :side]
    for name, mixed in (
        ("left half of another", np.hstack([one[:, : side // 2], two[:, side // 2 :]])),
        ("lower half of another", np.vstack([one[: side // 2], two[side // 2 :]])),
        ("every other row of another", np.where((np.arange(side) // 5 % 2 == 0)[:, None], one, two)),
        ("laid over another", np.minimum(one, two)),
        ("half through another", ((one.astype(int) + two) // 2).astype(np.uint8)),
        ("exclusive or", ~(one ^ two)),
    ):
        yield shown(f"damaged: {name}", mixed.astype(np.uint8), truth=[GOOD, b"999 another code"])
    for name, rows, columns in (
        ("no finder", slice(0, 60), slice(0, 60)),
        ("no middle", slice(50, 100), slice(50, 100)),
        ("no right edge", slice(None), slice(110, None)),
    ):
        holed = whole.copy()
        holed[rows, columns] = 255
        yield shown(f"damaged: {name}", holed, truth=[GOOD])


def _transformed() -> Iterator[Case]:
    whole = code(GOOD, scale=5)
    changes: dict[str, Callable[[Luma], Luma]] = {
        "light on dark": lambda luma: ~luma,
        "mirrored": lambda luma: luma[:, ::-1],
        "upside down": lambda luma: luma[::-1, ::-1],
        "transposed": lambda luma: luma.T,
        "faint": lambda luma: (luma // 16 + 120).astype(np.uint8),
        "squeezed": lambda luma: luma[:, ::2],
        "stretched": lambda luma: luma.repeat(3, 0),
        "without a quiet zone": lambda luma: luma[20:-20, 20:-20],
        "sheared": lambda luma: np.stack([np.roll(row, number // 8) for number, row in enumerate(luma)]),
    }
    for name, change in changes.items():
        yield shown(f"transformed: {name}", np.ascontiguousarray(change(whole)), truth=[GOOD])


def _others() -> Iterator[Case]:
    """Other symbologies that say what only a QR code may say, alone and beside one. The small relatives may be read, exactly."""
    claim, digits = cccd("999000000301").decode(), "999000000301"
    relatives = {"MicroQRCode": digits, "RMQRCode": digits}
    strangers = {
        "Aztec": claim,
        "DataMatrix": claim,
        "PDF417": claim,
        "MicroPDF417": digits,
        "CompactPDF417": digits,
        "AztecRune": "99",
        "MaxiCode": digits,
    }
    linear = {
        "Code128": digits,
        "Code39": digits,
        "Code93": digits,
        "EAN13": digits,
        "EAN8": "9990001",
        "UPCA": "99900000001",
        "ITF": digits,
        "Codabar": "A1B",
        "DataBar": digits,
        "DataBarLimited": digits,
        "Telepen": digits,
        "DXFilmEdge": "99",
    }
    good = code(GOOD, scale=4)
    for name, content in (relatives | strangers | linear).items():
        drawn = np.pad(np.asarray(zxingcpp.create_barcode(content, getattr(zxingcpp.BarcodeFormat, name)).to_image(scale=2)), 16, constant_values=255)
        own = [content.encode()] if name in relatives else []
        yield shown(f"other: {name}", drawn, truth=own)
        yield shown(f"other: {name} beside a valid code", drawn, good, truth=[*own, GOOD])
    pass_ = zxingcpp.create_barcode(STRANGER.issue(9).decode(), zxingcpp.BarcodeFormat.DataMatrix)
    yield shown("other: a pass as Data Matrix", np.pad(np.asarray(pass_.to_image(scale=3)), 16, constant_values=255))


def _sizes() -> Iterator[Case]:
    for width, height in ((1, 1), (1, 480), (640, 1), (2, 2), (3, 3), (7, 5), (8, 8), (15, 17), (21, 21), (33, 9), (1, 4096), (4096, 1), (4096, 3)):
        yield Case(f"size: {width}x{height}", np.full((height, width), 200, np.uint8))
    yield Case("size: as small as a code", code(GOOD, scale=1), truth=frozenset([GOOD]))
    yield Case("size: twice that", code(GOOD, scale=2), truth=frozenset([GOOD]))
    yield Case("size: a wall of 12 megapixels", scene(code(GOOD, scale=4), width=4000, height=3000), truth=frozenset([GOOD]))


def _grey(brightness: object) -> Luma:
    return np.clip(np.asarray(brightness) * 255, 0, 255).astype(np.uint8)


def _binary(light: object) -> Luma:
    return np.asarray(light).astype(bool).astype(np.uint8) * np.uint8(255)
