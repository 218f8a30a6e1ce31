"""Picture files that are torn, lie about themselves, or are of a kind that nobody expected."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from tests.device.reader.pictures import code, scene
from tests.hostile.cases import HEIGHT, WIDTH, Case

SEED = 404
GOOD = b"999 in a file"
TRUTH = frozenset([GOOD])


def cases() -> Iterator[Case]:
    grey = Image.fromarray(scene(code(GOOD, scale=5), width=WIDTH, height=HEIGHT))
    yield from _whole(grey)
    yield from _torn(grey)
    yield from _flipped(grey)
    yield from _bombs()
    yield from _odd()


def _written(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _whole(grey: Image.Image) -> Iterator[Case]:
    """Unusual and good: what is read must be right."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    wide = np.asarray(grey).astype(np.uint16) * 257
    clear = grey.convert("RGBA")
    clear.putalpha(Image.fromarray(255 - np.asarray(grey)))  # the modules are there, the paper is not
    palette = grey.convert("P")
    turned = [grey.rotate(angle) for angle in (0, 90, 180)]
    pictures: list[tuple[str, str, Image.Image, dict[str, Any]]] = [
        (".jpg", "JPEG", grey, {}),
        (".jpg", "JPEG", grey, {"exif": exif}),
        (".jpg", "JPEG", grey.convert("CMYK"), {}),
        (".jpg", "JPEG", grey, {"progressive": True, "quality": 30}),
        (".png", "PNG", grey.convert("1"), {}),
        (".png", "PNG", grey.convert("LA"), {}),
        (".png", "PNG", clear, {}),
        (".png", "PNG", palette, {"transparency": 0}),
        (".png", "PNG", Image.fromarray(wide), {}),
        (".gif", "GIF", palette, {"transparency": 255}),
        (".gif", "GIF", grey, {"save_all": True, "append_images": turned, "duration": 10, "loop": 0}),
        (".png", "PNG", grey, {"save_all": True, "append_images": turned}),
        (".webp", "WEBP", grey, {"lossless": True}),
        (".webp", "WEBP", grey, {"save_all": True, "append_images": turned}),
        (".tif", "TIFF", grey, {"compression": "tiff_lzw"}),
        (".tif", "TIFF", grey.convert("F"), {}),
        (".tif", "TIFF", grey.convert("I"), {}),
        (".tiff", "TIFF", grey, {"save_all": True, "append_images": turned}),
        (".tiff", "TIFF", grey.convert("CMYK"), {"compression": "tiff_deflate"}),
        (".bmp", "BMP", grey.convert("1"), {}),
        (".pgm", "PPM", grey, {}),
    ]
    for number, (suffix, kind, picture, options) in enumerate(pictures):
        yield Case(f"file {number}: {kind} of {picture.mode}", file=_written(picture, kind, **options), suffix=suffix, truth=TRUTH)


def _kinds(grey: Image.Image) -> list[tuple[str, bytes]]:
    kinds = ((".jpg", "JPEG"), (".png", "PNG"), (".webp", "WEBP"), (".gif", "GIF"), (".tif", "TIFF"), (".bmp", "BMP"))
    return [(suffix, _written(grey, kind)) for suffix, kind in kinds]


def _torn(grey: Image.Image) -> Iterator[Case]:
    for suffix, content in _kinds(grey):
        for share in (0.02, 0.3, 0.7, 0.98):
            yield Case(f"torn: {suffix} after {share:.0%}", file=content[: int(len(content) * share)], suffix=suffix, truth=TRUTH)


def _flipped(grey: Image.Image) -> Iterator[Case]:
    chance = random.Random(SEED)
    for suffix, content in _kinds(grey):
        for number in range(4):
            broken = bytearray(content)
            for _ in range(1 + number * 8):
                broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
            yield Case(f"flipped: {suffix} {number}", file=bytes(broken), suffix=suffix, truth=TRUTH)


def _bombs() -> Iterator[Case]:
    for width, height in ((30_000, 30_000), (2**31 - 1, 1), (1, 2**31 - 1), (0, 0), (65_535, 65_535)):
        yield Case(f"bomb: a PNG said to be {width}x{height}", file=_png(width, height, zlib.compress(b"\x00" * 1_000_000)))
    yield Case("bomb: a PNG of 60 megapixels", file=_png(8_000, 7_500, zlib.compress(b"\x00" * (8_001 * 7_500), 1)))
    yield Case(
        "bomb: a PNG whose text unfolds", file=_png(8, 8, zlib.compress(b"\x00" * 72), text=b"a\x00\x00" + zlib.compress(b"\x00" * 100_000_000, 1))
    )
    yield Case(
        "bomb: a BMP said to be huge",
        file=b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 40_000, 40_000, 1, 8, 0, 0, 0, 0, 0, 0),
        suffix=".bmp",
    )
    yield Case("bomb: a PGM said to be huge", file=b"P5 99999999 99999999 255\n\x00", suffix=".pgm")
    yield Case("bomb: a PGM of text", file=b"P2 4 4 255\n" + b"9" * 100_000, suffix=".pgm")
    yield Case(
        "bomb: a GIF whose frame is larger than itself",
        file=b"GIF89a\x04\x00\x04\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02D\x01\x00;",
        suffix=".gif",
    )
    yield Case("bomb: a TIFF whose directory is itself", file=b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00", suffix=".tif")
    yield Case(
        "bomb: a WebP said to be huge", file=b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\xff\xff\xff\xff\xff", suffix=".webp"
    )


def _odd() -> Iterator[Case]:
    for suffix in (".png", ".jpg", ".gif", ".tif", ".webp", ".bmp", ".pgm"):
        yield Case(f"odd: an empty {suffix}", file=b"", suffix=suffix)
    yield Case("odd: a text", file=b"999000000001|||01011990|Nam||01012022", suffix=".png")
    yield Case("odd: a program", file=b"\x7fELF" + bytes(2000), suffix=".jpg")
    yield Case("odd: a page", file=b"<svg xmlns='http://www.w3.org/2000/svg'/>", suffix=".png")
    yield Case("odd: PostScript", file=b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", suffix=".png")
    yield Case("odd: a JPEG called PNG", file=_written(Image.new("L", (64, 64)), "JPEG"), suffix=".png")
    yield Case("odd: a picture of another maker", file=_written(Image.new("RGB", (64, 64)), "ICO"), suffix=".bmp")
    yield Case("odd: zeros", file=bytes(100_000), suffix=".png")


def _png(width: int, height: int, pixels: bytes, *, text: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + (chunk(b"zTXt", text) if text else b"") + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
