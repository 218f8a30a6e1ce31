"""Play stories and tell them: ``python -m tests.scenarios [FILE ...]``; without a file, all of them. ``--table`` lists their titles."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.scenarios import story, telling
from tests.scenarios.stage import Stage
from tests.scenarios.verdict import differences


def tell(path: Path) -> bool:
    """Is everything as the story expects?"""
    told = story.read(path)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(told, Path(folder))
        try:
            stage.play()
            found = differences(stage)
            print("\n".join(telling.lines(stage)))
        finally:
            stage.close()
    print("\n".join(f"  NOT AS EXPECTED: {each}" for each in found) or "  as expected", end="\n\n")
    return not found


def main(arguments: list[str]) -> int:
    if arguments == ["--table"]:
        print("\n".join(telling.table()))
        return 0
    as_expected = [tell(path) for path in ([Path(each) for each in arguments] or story.every())]
    return 0 if all(as_expected) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
