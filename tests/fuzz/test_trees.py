from __future__ import annotations

import copy
import random

import cbor2

from tests.fuzz.trees import anything, changed

TREE = {"v": [{"dn": 1, "ci": "URN"}, {"dn": 2}], "nam": {"fn": "Thử"}, "key": b"\x01\x02", 4: 5}


def test_a_change_leaves_the_document_itself_as_it_is() -> None:
    source, tree = random.Random(1), copy.deepcopy(TREE)
    different = [changed(source, tree) != TREE for _ in range(200)]
    assert (tree, sum(different) > 150) == (TREE, True)


def test_the_same_seed_makes_the_same_changes() -> None:
    made = [[cbor2.dumps(changed(source, TREE)) for _ in range(50)] for source in (random.Random(7), random.Random(7))]
    assert made[0] == made[1]


def test_every_part_is_reached() -> None:
    source = random.Random(1)
    made = [tree for _ in range(2000) if isinstance(tree := changed(source, TREE), dict)]
    assert {name for name in TREE if any(tree.get(name) != TREE[name] for tree in made)} == set(TREE)


def test_whatever_is_made_can_be_written() -> None:
    source = random.Random(1)
    assert all(cbor2.dumps(anything(source)) for _ in range(500))
