from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.vfs import EXIT_CUT, MissingError, Survivors, build

ROOT = Path(__file__).parents[2]

BEGIN = """
import mmap, sqlite3, sys
from pathlib import Path
from tests.faults import vfs

control = vfs.control_in(mmap.mmap(-1, mmap.PAGESIZE))
control.seed, control.survivors, control.cut_at = 7, int(sys.argv[3]), vfs.FOR_EVER
vfs.install(Path(sys.argv[1]), control)
database = sqlite3.connect(sys.argv[2], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, filling BLOB)")
insert = lambda number: database.execute("INSERT INTO row VALUES (?, zeroblob(9000))", (number,))
"""

CUT = """
insert(1)
database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
insert(2)
database.execute("PRAGMA synchronous=OFF")
insert(3)
database.execute("PRAGMA wal_checkpoint")
insert(4)
control.cut_at = control.calls + 1
insert(5)
"""

FAIL = """
insert(1)
for code in (vfs.SQLITE_IOERR, vfs.SQLITE_FULL):
    control.fail(code, after=1, times=1)
    try:
        insert(2)
    except sqlite3.OperationalError as error:
        print(error)
insert(3)
control.fail(vfs.SQLITE_IOERR)
control.mend()
insert(4)
print(*(number for (number,) in database.execute("SELECT number FROM row")))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build(tmp_path_factory.mktemp("vfs"))
    except MissingError as error:
        pytest.skip(str(error))


def run(library: Path, script: str, database: Path, survivors: Survivors = Survivors.NONE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BEGIN + script, str(library), str(database), str(int(survivors))]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize("survivors", Survivors, ids=lambda each: each.name)
def test_what_was_synced_outlives_the_power_and_the_rest_may_not(library: Path, tmp_path: Path, survivors: Survivors) -> None:
    ended = run(library, CUT, tmp_path / "rows.db", survivors)
    assert (ended.returncode, ended.stderr) == (EXIT_CUT, "")
    with closing(sqlite3.connect(tmp_path / "rows.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)] or survivors is not Survivors.NONE
        if survivors is Survivors.NONE:
            assert database.execute("SELECT number FROM row").fetchall() == [(1,), (2,)]


def test_calls_fail_as_they_are_told_to_and_go_on_when_it_is_over(library: Path, tmp_path: Path) -> None:
    ended = run(library, FAIL, tmp_path / "rows.db")
    assert (ended.stdout, ended.stderr) == ("disk I/O error\ndatabase or disk is full\n1 3 4\n", "")
