"""The hostile corpus: made when it is needed, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from PIL import Image

from tests.hostile import files, patterns, payloads, streams
from tests.hostile.cases import Case


@cache
def cases() -> tuple[Case, ...]:
    return tuple(fresh())


def fresh() -> Iterator[Case]:
    yield from chain(payloads.cases(), streams.cases(), patterns.cases(), files.cases())


def write(case: Case, path_without_suffix: Path) -> Path:
    """The picture as a file."""
    path = path_without_suffix.with_suffix(case.suffix)
    if case.pixels is None:
        path.write_bytes(case.file)
    else:
        Image.fromarray(case.pixels).save(path, compress_level=1)
    return path
