"""What one kind of frame costs the reader and its peers, on the same frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from statistics import fmean

from device.reader.frame import Luma
from tests.bench.figures import NS_PER_MS, Figures
from tests.bench.peers import Payloads, Peer, timed
from tests.bench.reader import Reader

READER = "reader"


class Costs:
    """Thread CPU time by contestant. Means, not medians: the mean is what heats the board, and it hides no costly frame."""

    def __init__(self) -> None:
        self._ns: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, name: str, spent_ns: int) -> None:
        self._ns[name].append(spent_ns)

    def __iadd__(self, other: Costs) -> Costs:  # noqa: PYI034
        for name, spent in other._ns.items():
            self._ns[name] += spent
        return self

    def names(self) -> tuple[str, ...]:
        return tuple(self._ns)

    def mean_ms(self, name: str) -> float:
        return fmean(self._ns[name]) / NS_PER_MS

    def worst_ms(self, name: str) -> float:
        return max(self._ns[name]) / NS_PER_MS

    def against(self, peer: str, ours: str = READER) -> float:
        return self.mean_ms(ours) / self.mean_ms(peer)

    def figures(self, title: str, scene: str = "") -> Figures:
        """The mean of each contestant, such as ``idle_ms_night_zxing``."""
        return {"_".join(filter(None, (title, "ms", scene, name))): (self.mean_ms(name), "ms") for name in self._ns}


def in_turn(reader: Reader, peers: Mapping[str, Peer], luma: Luma, number: int, costs: Costs | None) -> dict[str, Payloads]:
    """Show one frame to all, who goes first changing from frame to frame: the first one warms the cache for the others."""

    def ours(picture: Luma) -> tuple[Payloads, int]:
        step = reader.step(picture)
        return step.payloads, step.cpu_ns

    shows: dict[str, Callable[[Luma], tuple[Payloads, int]]] = {READER: ours}
    shows |= {name: partial(timed, peer) for name, peer in peers.items()}
    first = number % len(shows)
    read = {}
    for name in (*list(shows)[first:], *list(shows)[:first]):
        read[name], spent_ns = shows[name](luma)
        if costs is not None:
            costs.add(name, spent_ns)
    return read
