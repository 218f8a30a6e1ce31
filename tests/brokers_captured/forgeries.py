"""What somebody sends who holds the broker or the uplink, and no key: forged, foreign, stale and senseless. Every time the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.bundles import strict
from device.bundles.envelope import Audience, Kind, sign_bundle
from device.commands import asking, chunk, deeds, order
from device.commands.asking import Ask
from device.commands.chunk import Chunk
from device.commands.deeds import Deed, LaneMode, Verb
from device.commands.order import Order
from device.domain import Direction
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.events.topics import Topics

OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
PROVINCE, SITE, GATE = "p1", "s1", "g1"
HERE, ELSEWHERE = Topics(PROVINCE, SITE, GATE), Topics(PROVINCE, SITE, "g2")
VERBS = [*Verb, "challenge", "chunk", "reboot", "a" * 32]
FLOOD = 40

Sent = tuple[str, bytes]
"""Topic and payload."""


def everything(recorder: Ed25519PrivateKey, epoch: str, bodies: Sequence[bytes], first: int = 1) -> list[Sent]:
    """All of it, for a gate whose unconfirmed events are ``bodies``, from sequence ``first`` on, of ``epoch``."""
    return [*confirmations(recorder, epoch, bodies, first), *orders(recorder), *files(), *junk()]


def confirmations(recorder: Ed25519PrivateKey, epoch: str, bodies: Sequence[bytes], first: int) -> Iterator[Sent]:
    """None is the recorder's word on events of this gate: another signed it, or it is about something else."""
    last, digest = first + len(bodies) - 1, range_digest(bodies)
    true = confirmation.encode(Confirmation(GATE, epoch, first, last, digest))
    about_else = [
        Confirmation("g2", epoch, first, last, digest),
        Confirmation(GATE, "f" * 16, first, last, digest),
        Confirmation(GATE, epoch, last + 1, last + 100, digest),  # nobody has made these yet
        Confirmation(GATE, epoch, first, last + 1, digest),
        Confirmation(GATE, epoch, first, last, bytes(32)),
        Confirmation(GATE, epoch, first, last, range_digest(reversed(bodies))) if len(bodies) > 1 else Confirmation(GATE, epoch, first, last, b""),
    ]
    envelopes = [
        sign1(OTHER_KEY, true, context=confirmation.CONTEXT),
        sign1(recorder, true, context=order.CONTEXT),
        sign1(recorder, true, context=b""),
        *(sign1(recorder, confirmation.encode(each), context=confirmation.CONTEXT) for each in about_else),
    ]
    signed = sign1(recorder, true, context=confirmation.CONTEXT)
    damaged = [signed[:-1], signed + b"\0", signed[:40] + bytes([signed[40] ^ 1]) + signed[41:], signed[1:], true, b""]
    yield from ((HERE.confirmation, each) for each in (*envelopes, *damaged))
    yield from ((topic, signed) for topic in (ELSEWHERE.confirmation, HERE.state, HERE.note, HERE.command("ack"), "", "#"))


def orders(recorder: Ed25519PrivateKey) -> Iterator[Sent]:
    """Every deed, well-formed, by a key that nobody delegated and by one that may do none of it, on no challenge of the gate."""
    wanted: list[Deed] = [deeds.Open(Direction.ENTRY), deeds.SetMode(LaneMode.FREE), deeds.SetMode(LaneMode.LOCKED), deeds.Drill(30), deeds.Restart()]
    wanted += [deeds.Erase("0" * 16, 1, 1000), deeds.SetTime(4_000_000_000_000), deeds.Replay("0" * 16, ((1, 1000),))]
    for number, deed in enumerate(wanted):
        made = Order(id=bytes([number]) * 16, deed=deed, gate=GATE, boot="boot", challenge=bytes(16), within_s=60, actor="nobody", why="captured")
        payload = order.encode(made)
        for keys in ((OTHER_KEY,), (recorder,), (OTHER_KEY, recorder)):
            yield HERE.command(made.verb), order.message(order.sign(key, payload) for key in keys)
    for number in range(FLOOD):  # questions are not signed: a flood of them fills nothing
        yield HERE.command("challenge"), asking.encode_ask(Ask(number.to_bytes(16)))


def files() -> Iterator[Sent]:
    """Bundles by another office, and parts of files that no order has announced."""
    policy = sign_bundle(OTHER_KEY, Kind.POLICY, Audience(PROVINCE), {"mode": "record"}, seq=2**40, issued_s=1_795_000_000)
    for verb in ("bundle", "chunk", "policy", "trust"):
        yield HERE.command(verb), policy
    for index in range(FLOOD):
        yield HERE.command("chunk"), chunk.encode(Chunk(bytes(16), index, policy))


def junk(seed: int = 1) -> Iterator[Sent]:
    chance = random.Random(seed)
    deep = b"\x81" * 4000 + b"\0"
    long = b"\xff" * (60 * 1024)
    table = strict.encode({"v": 1})
    for verb in VERBS:
        for payload in (b"", b"\0", b"{}", deep, long, table, chance.randbytes(chance.randint(1, 500))):
            yield HERE.command(verb), payload
    yield from ((HERE.confirmation, chance.randbytes(chance.randint(0, 300))) for _ in range(FLOOD))
