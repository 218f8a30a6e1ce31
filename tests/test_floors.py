"""The house keeps its floors: imports go down only (design.md, "The house")."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the roof to the ground: a room may use the rooms below its own floor, and on its own floor only itself.
FLOORS: list[set[str]] = [
    {"device.__main__"},
    {"device.cli"},
    {  # one a command
        "device.demo",
        "device.doctor",
        "device.explain",
        "device.focus",
        "device.replay",
        "device.selftest",
        "device.status",
        "device.take",
    },
    {"device.launch"},
    {"device.reader", "device.gate", "device.uplink"},  # the wings: blind to each other
]
# Below them everybody knows everybody, but the core never looks up.
SHELL = {
    "device.links",
    "device.config",
    "device.contradictions",
    "device.board",
    "device.settings",
    "device.clock",
    "device.notify",
    "device.seldom",
}
CORE = {
    "device.credentials",
    "device.admission",
    "device.turnstile",
    "device.events",
    "device.bundles",
    "device.commands",
    "device.cbor",
    "device.degraded",
    "device.domain",
    "device.errors",
}
ALONE = {"device.failsafe", "device.keeper"}  # must work when all the rest is broken

OFFICE_MAY_USE = CORE | {"device.settings", "device.config", "device.board"}  # what provisioning/ may know of the device
KNOWS_THE_OFFICE = {"device.demo"}  # it plays broker and recorder too
PLAYS_GATES = {"provisioning.simulation"}  # a fleet with the real uplink, for figures that hold
GATE_THAT_IS_PLAYED = {"device.uplink", "device.links"}

# What gives a clock, a disk, a socket, a pin or a mood to whoever imports it. Types of time (datetime) are values.
IMPURE = {
    *("time", "random", "secrets", "uuid", "threading", "multiprocessing", "asyncio", "concurrent", "signal", "logging"),
    *("os", "io", "sys", "pathlib", "shutil", "tempfile", "mmap", "fcntl", "sqlite3", "tomllib"),
    *("socket", "select", "selectors", "ssl", "subprocess", "urllib", "http", "paho", "serial", "gpiozero", "lgpio"),
}
# Missing on many machines: a module that needs one at its head may itself be imported only when it was chosen,
# except in the rooms that come with the package anyway.
AT_HOME: dict[str, set[str]] = {"picamera2": set(), "libcamera": set(), "av": set(), "lgpio": set(), "PIL": {"device.demo", "provisioning"}}


def modules() -> dict[str, str]:
    """Every module of both packages: dotted name -> source text."""
    paths = [path for package in ("device", "provisioning") for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path.read_text(encoding="utf-8") for path in paths}


@cache
def imports(source: str, *, at_head: bool = False) -> frozenset[str]:
    """What ``source`` imports; ``from a import b`` counts as ``a.b``, which may be a module. At its head: not within a function."""
    tree = ast.parse(source)
    hidden = {id(inner) for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for inner in ast.walk(each)}
    found: set[str] = set()
    for node in ast.walk(tree):
        if at_head and id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return frozenset(found)


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def may_use(name: str) -> set[str] | None:
    """The rooms that module ``name`` may import from; ``None`` if it stands on no floor."""
    if name in {"device", "provisioning"} or within(name, ALONE):
        return set()
    if within(name, {"provisioning"}):
        return OFFICE_MAY_USE | {"provisioning"} | (GATE_THAT_IS_PLAYED if within(name, PLAYS_GATES) else set())
    if within(name, CORE):
        return CORE
    if within(name, SHELL):
        return SHELL | CORE
    for level, floor in enumerate(FLOORS):
        if own := {room for room in floor if within(name, {room})}:
            below = set().union(*FLOORS[level + 1 :])
            return own | below | SHELL | CORE | ALONE | ({"provisioning"} if own & KNOWS_THE_OFFICE else set())
    return None


def violations(sources: dict[str, str]) -> set[tuple[str, str]]:
    """Every import that breaks a rule, as (module, what it imports)."""
    found = set()
    for name, source in sources.items():
        allowed = may_use(name)
        if allowed is None:
            found.add((name, "stands on no floor"))
            continue
        for target in imports(source):
            ours = within(target, {"device", "provisioning"})
            relative = target.startswith(".")
            impure = within(name, CORE) and within(target, IMPURE)
            if relative or impure or (ours and not within(target, allowed)):
                found.add((name, target))
    return found | _heavy_heads(sources)


def _heavy_heads(sources: dict[str, str]) -> set[tuple[str, str]]:
    """Every import at a module's head of a module that needs, itself or through others, a package that may be missing."""
    heads = {name: imports(source, at_head=True) for name, source in sources.items()}
    found = set()
    for package, homes in AT_HOME.items():
        heavy = {name for name in heads if any(within(target, {package}) for target in heads[name])}
        while True:
            new = {(name, target) for name in heads for target in heads[name] if within(target, heavy)}
            found |= {(name, target) for name, target in new if not within(name, homes)}
            if heavy >= {name for name, _ in new}:
                break
            heavy |= {name for name, _ in new}
    return found


def test_imports_go_down_only() -> None:
    assert violations(modules()) == set()


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        pytest.param("device.domain", "import time", "time", id="a clock in the core"),
        pytest.param("device.events.chain", "from os import urandom", "os.urandom", id="the system in the core"),
        pytest.param("device.admission.policy", "def f():\n    import sqlite3", "sqlite3", id="a store hidden in a function of the core"),
        pytest.param("device.turnstile.machine", "from device.settings import Relay", "device.settings.Relay", id="the core looks up"),
        pytest.param("device.links", "from device import gate", "device.gate", id="the shell looks up"),
        pytest.param("device.reader.loop", "from device.gate.store import Store", "device.gate.store.Store", id="a wing sees another"),
        pytest.param("device.launch", "import device.demo.show", "device.demo.show", id="the launcher looks up"),
        pytest.param("device.failsafe", "from device.errors import HardwareError", "device.errors.HardwareError", id="failsafe needs the rest"),
        pytest.param("device.gate.service", "import provisioning.authority", "provisioning.authority", id="the gate knows the office"),
        pytest.param("provisioning.cli", "from device.gate import store", "device.gate.store", id="the office knows a wing"),
        pytest.param("provisioning.cli", "from device.uplink import client", "device.uplink.client", id="only a played gate has an uplink there"),
        pytest.param("provisioning.simulation.gate", "from device.gate import store", "device.gate.store", id="a played gate has no store"),
        pytest.param("device.links", "from . import errors", "..errors", id="a relative import hides its floor"),
        pytest.param("device.extras", "", "stands on no floor", id="a room of its own"),
    ],
)
def test_a_planted_violation_is_found(name: str, source: str, target: str) -> None:
    assert violations({name: source}) == {(name, target)}


def test_a_driver_imported_at_the_head_of_a_common_module_is_found() -> None:
    planted = {"device.reader.sources.video": "import av", "device.reader.loop": "from device.reader.sources.video import Video"}
    assert violations(planted) == {("device.reader.loop", "device.reader.sources.video.Video")}


def test_a_command_line_that_needs_pictures_before_the_demo_was_chosen_is_found() -> None:
    planted = {"device.demo.lens": "import PIL.Image", "device.demo.show": "import device.demo.lens", "device.cli": "import device.demo.show"}
    assert violations(planted) == {("device.cli", "device.demo.show")}


def test_a_driver_imported_by_a_module_that_is_named_in_a_table_is_fine() -> None:
    planted = {"device.reader.sources.video": "import av", "device.reader.sources.table": 'VIDEO = "device.reader.sources.video:Video"'}
    assert violations(planted) == set()
