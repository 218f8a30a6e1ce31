"""One mutant against the tests, in a forked process in which only the mutant's module differs."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import CodeType, ModuleType

CPU_MAX_S = 60
"""A mutant may loop for ever, or fill the memory while it does: then it is found as well."""
MEMORY_MAX_BYTES = 2 * 2**30


class Fate(Enum):
    KILLED = "killed"
    SURVIVED = "survived"


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves the mutant's source where its module is imported."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self._module = module
        self._path = path
        self._code: CodeType = compile(source, str(path), "exec", dont_inherit=True)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        if fullname != self._module:
            return None
        locations = [str(self._path.parent)] if self._path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self, submodule_search_locations=locations)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # noqa: S102 - the mutant


def fate_of(module: str, path: Path, source: str, suites: Sequence[Sequence[str]]) -> Fate:
    """Run ``suites`` (arguments of pytest) one after another until one of them fails."""
    for suite in suites:
        child = os.fork()
        if child == 0:
            os._exit(_run(module, path, source, suite))
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            return Fate.KILLED
    return Fate.SURVIVED


def _run(module: str, path: Path, source: str, suite: Sequence[str]) -> int:
    """In the child: nothing of it is told, and nothing of it stays."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        sys.meta_path.insert(0, Planted(module, path, source))
        import pytest  # noqa: PLC0415 - imported by the parent already

        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:warnings", *suite]))
    except BaseException:  # noqa: BLE001 - a mutant that breaks pytest itself is found
        return 1
