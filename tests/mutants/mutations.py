"""Small faults that a programmer could make, one at a time: each must make some test fail."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Break: ast.Continue,
    ast.Continue: ast.Break,
}
"""The bounds of comparisons, the sense of conditions, the signs of sums."""


Undo = Callable[[], None]
Change = Callable[[], Undo]


@dataclass(frozen=True, slots=True)
class Mutant:
    line: int
    what: str
    source: str


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines. What only tells types or is read by people stays as it is."""
    tree = ast.parse(source)
    untouched = _untouched(tree)
    places = [node for node in ast.walk(tree) if id(node) not in untouched]
    for node in sorted(places, key=lambda each: (getattr(each, "lineno", 0), getattr(each, "col_offset", 0))):
        for what, change in _changes(node):
            undo = change()
            yield Mutant(getattr(node, "lineno", 0), what, ast.unparse(tree))
            undo()


def _untouched(tree: ast.Module) -> set[int]:
    """Docstrings, annotations, ``__all__``, and whole statements that only import or name types."""
    found: set[int] = set()
    for node in ast.walk(tree):
        skipped: list[ast.AST | None] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.append(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            skipped.append(node)
        if isinstance(node, ast.AnnAssign | ast.arg):
            skipped.append(node.annotation)
        if isinstance(node, ast.FunctionDef):
            skipped += [node.returns, *node.decorator_list]
        if isinstance(node, ast.ClassDef):
            skipped += [*node.decorator_list, *node.bases]
            if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases):
                skipped.append(node)
        if isinstance(node, ast.Assign) and (_is_type_alias(node) or _is_list_of_names(node)):
            skipped.append(node)
        if isinstance(node, ast.FormattedValue | ast.JoinedStr):
            skipped.append(node)  # texts for people
        found |= {id(inner) for each in skipped if each is not None for inner in ast.walk(each)}
    return found


def _is_list_of_names(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)


def _is_type_alias(node: ast.Assign) -> bool:
    return isinstance(node.value, ast.Subscript) and isinstance(node.value.value, ast.Name) and node.value.value.id in {"Callable", "Mapping"}


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare):
        for index, operation in enumerate(node.ops):
            if type(operation) in SWAPS:
                yield _swapped(node.ops, index)
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign) and type(node.op) in SWAPS:
        yield _replaced(node, "op", SWAPS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _replaced_in_place(node, node.operand)
    elif isinstance(node, ast.IfExp | ast.If | ast.While):
        yield _replaced(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Return) and node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield _replaced(node, "value", ast.Constant(None))
    elif isinstance(node, ast.Constant):
        yield from _constants(node)


def _constants(node: ast.Constant) -> Iterator[tuple[str, Change]]:
    value = node.value
    if isinstance(value, bool):
        yield _replaced(node, "value", not value)
    elif isinstance(value, int):
        yield _replaced(node, "value", value + 1)
    elif isinstance(value, str) and value:
        yield _replaced(node, "value", value + "X")
    elif isinstance(value, bytes) and value:
        yield _replaced(node, "value", value + b"X")


def _swapped(operations: list[ast.cmpop], index: int) -> tuple[str, Change]:
    old = operations[index]
    new = SWAPS[type(old)]()

    def change() -> Undo:
        operations[index] = new  # type: ignore[call-overload]

        def undo() -> None:
            operations[index] = old

        return undo

    return f"{type(old).__name__} -> {type(new).__name__}", change


def _replaced(node: ast.AST, name: str, new: object) -> tuple[str, Change]:
    old = getattr(node, name)

    def change() -> Undo:
        setattr(node, name, new)

        def undo() -> None:
            setattr(node, name, old)

        return undo

    return f"{type(node).__name__}.{name}: {_short(old)} -> {_short(new)}", change


def _replaced_in_place(node: ast.UnaryOp, operand: ast.expr) -> tuple[str, Change]:
    """``not x`` becomes ``x``: written as ``not not x``, since the node's parent is not known."""
    return _replaced(node, "operand", ast.UnaryOp(ast.Not(), copy.deepcopy(operand)))


def _short(value: object) -> str:
    text = ast.unparse(value) if isinstance(value, ast.expr) else type(value).__name__ if isinstance(value, ast.AST) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
