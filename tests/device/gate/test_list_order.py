from __future__ import annotations

import pytest

from device.admission.list_file import Unfit
from device.admission.lists import ListKind
from device.gate.list_order import Handed, Order, Refused, decode, encode

SAID = [
    Order(folder="/f", source=5, province="p-999", site="s-999", public_key="99", key_id="98", in_force={"deny": 7}, reserve=1),
    Order(folder="/f", source=None, province="p-999", site="s-999", public_key="99", key_id="98", in_force={}, reserve=1),
    Handed(kind=ListKind.DENY, version=2**63 - 1, entries=1, issued_s=2, valid_for_s=3),
    Refused(why=Unfit.FORGED, kind=None, version=None),
    Refused(why=Unfit.DAMAGED, kind=ListKind.ALLOW, version=7),
]


@pytest.mark.parametrize("said", SAID, ids=lambda said: type(said).__name__)
def test_what_is_said_is_heard(said: Order | Handed | Refused) -> None:
    assert decode(encode(said)) == said


@pytest.mark.parametrize(
    "packet", [b"", b"[]", b"{}", b'{"say": "Rumour"}', b'{"say": "Handed", "kind": "deny"}', b'{"say": "Refused", "why": "so", "kind": null}']
)
def test_what_nobody_says_is_no_word(packet: bytes) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        decode(packet)
