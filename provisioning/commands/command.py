"""``qrgate-provision command``: order something at one gate, and tell what it has answered."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.commands import deeds
from device.commands.chunk import ANSWER_EVERY
from device.commands.deeds import Announce, Deed, Diagnose, Erase, Replay, Restart, needs_two
from device.commands.order import ALONE_WITHIN_S, TOGETHER_WITHIN_S, Order, Signature
from device.errors import EXIT_FAULT, EXIT_OK, UsageError, VerificationError
from device.events.topics import Topics
from device.settings import ID_PATTERN
from provisioning.authority.keys import read_signing_key
from provisioning.commanding import half_signed, ordering, settings
from provisioning.commanding.conversation import ANSWER_WITHIN_S, Conversation
from provisioning.commanding.half_signed import HalfSigned
from provisioning.commanding.settings import CommandSettings
from provisioning.telling import NAME, tell

ABOUT = "order something at a gate"
HELP = f"""\
Order something at one gate: it is asked for a challenge, and what is signed counts at this gate, once, within {ALONE_WITHIN_S} s.

  open [entry|exit]            let one person through                      operator
  mode normal|free|locked      until another is ordered                    operator
  drill [MINUTES]              free for so long (default 10, at most 30)   operator, technician
  bundle FILE                  send a bundle or a list                     release
  diagnostics                  how the gate is                             operator, technician
  restart                      end the gate's process; it starts again     operator, technician
  replay EPOCH:FIRST-LAST      give the recorder these events again        recorder
  erase EPOCH:FIRST-LAST       erase the sealed identities of these        health officer
  send FILE                    sign an order that waits for a second signature, and send it

Free mode, locking and drills need two keys, unless the signer's is limited to a few gates: --second-key signs here too, and --out
writes the order for a second signer, who has {TOGETHER_WITHIN_S // 60} minutes. The reason (--why) is recorded as it is: name no person there."""
EXAMPLES = """\
let somebody in whose code cannot be read:
  qrgate-provision command open --settings op-1 --site giap-bat --gate gb-01 --why "damaged card"
free a lane with two keys on one machine:
  qrgate-provision command mode free --settings op-1 --second-key op-2/order.key --site giap-bat --gate gb-01
the same on two machines:
  qrgate-provision command mode free --settings op-1 --site giap-bat --gate gb-01 --out free.order
  qrgate-provision command send free.order --settings op-2

exit codes beside the usual: 1 the gate has not done it, and says why"""

RANGE = re.compile(r"([0-9a-f]{1,32}):([0-9]{1,19})-([0-9]{1,19})")
SEND = "send"
ALONE_WORDS = {"refused": "does not count", "failed": "could not be carried out"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=[*MAKERS, SEND])
    parser.add_argument("what", nargs="?", default="", metavar="WHAT", help="see above")
    parser.add_argument("--settings", required=True, type=Path, metavar="DIR", help="the folder of whoever orders, as `command-key` made it")
    parser.add_argument("--site", metavar="S", help="the gate's site")
    parser.add_argument("--gate", metavar="G", help="the gate")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the key that signs (default: the one of the settings)")
    parser.add_argument("--second-key", type=Path, metavar="FILE", help="a second key, of somebody else")
    parser.add_argument("--why", default="", metavar="TEXT", help="the reason, recorded as it is")
    parser.add_argument("--wait", type=float, default=ANSWER_WITHIN_S, metavar="S", help="seconds for each answer (default: %(default)g)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="do not send: write the order for a second signer")


def run(options: argparse.Namespace) -> int:
    chosen = settings.load(options.settings)
    keys = [read_signing_key(options.key or chosen.orders.key_file)]
    if options.second_key is not None:
        keys.append(read_signing_key(options.second_key))
    if options.verb == SEND:
        return _send_on(options, chosen, keys)
    deed, content = MAKERS[options.verb](options.what)
    topics = _topics(options, chosen)
    if options.out is not None and not (needs_two(deed) and len(keys) == 1):
        raise UsageError("--out is for what needs a second signature", hint="free mode, locking and drills; leave --second-key out then")
    with Conversation(chosen, topics, answer_within_s=options.wait) as conversation:
        together = options.out is not None
        challenge = ordering.ask(conversation, lifetime_s=TOGETHER_WITHIN_S if together else ALONE_WITHIN_S)
        told = ordering.made(deed, topics.gate, challenge, actor=chosen.identity.actor, why=options.why, together=together)
        signatures = ordering.signed(told, keys)
        if together:
            half_signed.write(options.out, HalfSigned(topics, signatures[0]))
            tell(
                options,
                {"order": str(options.out.absolute())},
                [f"{options.out}: to be sent by the second signer within {told.within_s // 60} minutes"],
            )
            return EXIT_OK
        return _carried_out(options, conversation, told, signatures, content)


def _send_on(options: argparse.Namespace, chosen: CommandSettings, keys: list[Ed25519PrivateKey]) -> int:
    half = half_signed.read(Path(options.what))
    if half.topics.province != chosen.identity.province or len(keys) != 1:
        raise UsageError(
            "this order waits for one signature of its own province", hint="leave --second-key out; see the settings of whoever sends it"
        )
    told = half.order
    sys.stderr.write(f"{NAME}: {told.verb} {deeds.arguments(told.deed)} at {told.gate}, ordered by {told.actor}: {told.why or 'no reason given'}\n")
    with Conversation(chosen, half.topics, answer_within_s=options.wait) as conversation:
        return _carried_out(options, conversation, told, (half.signature, *ordering.signed(told, keys)), b"")


def _carried_out(options: argparse.Namespace, conversation: Conversation, told: Order, signatures: tuple[Signature, ...], content: bytes) -> int:
    answer = ordering.send(conversation, told, signatures)
    if isinstance(told.deed, Announce) and answer.get("outcome") == ordering.DONE:
        answer = ordering.send_file(conversation, told.id, content, _progress)
        answer = answer | ({"outcome": ordering.DONE} if answer.get("whole") is True else {})
    return _tell(options, told, answer)


def _tell(options: argparse.Namespace, told: Order, answer: dict[str, Any]) -> int:
    outcome = answer.get("outcome")
    if outcome == ordering.DONE:
        lines = [f"{told.gate}: {told.verb} is done", *(f"  {name}: {value}" for name, value in answer.items() if name not in {"outcome", "gate"})]
        tell(options, answer, lines)
        return EXIT_OK
    words = ALONE_WORDS.get(str(outcome), "has no known outcome")
    tell(options, answer, [f"{told.gate}: {told.verb} {words}: {str(answer.get('why', outcome))[:200]!r}"])
    return EXIT_FAULT


def _topics(options: argparse.Namespace, chosen: CommandSettings) -> Topics:
    for name in ("site", "gate"):
        if getattr(options, name) is None or not re.fullmatch(ID_PATTERN, getattr(options, name)):
            raise UsageError(f"at which {name}?", hint=f"give --{name} with its id, as it stands in the gate's site.toml")
    return Topics(chosen.identity.province, options.site, options.gate)


def _progress(done: int, of: int) -> None:
    """A line for each tenth."""
    if done * 10 // of > (done - ANSWER_EVERY) * 10 // of:
        sys.stderr.write(f"{done} of {of} parts\n")


# --- what is to be done ------------------------------------------------------------------------------------------


def _made(verb: deeds.Verb, table: dict[str, Any], hint: str) -> tuple[Deed, bytes]:
    try:
        return deeds.read(verb, table), b""
    except VerificationError as error:
        raise UsageError(error.what, hint=hint) from None


def _nothing_more(deed: Deed) -> Callable[[str], tuple[Deed, bytes]]:
    def make(what: str) -> tuple[Deed, bytes]:
        if what:
            raise UsageError(f"{what!r} means nothing here", hint=f"`{deeds.verb_of(deed)}` stands alone")
        return deed, b""

    return make


def _drill(what: str) -> tuple[Deed, bytes]:
    return _made(deeds.Verb.DRILL, {"minutes": int(what or 10) if (what or "10").isdecimal() else 0}, "minutes from 1 to 30")


def _range(what: str) -> tuple[str, int, int]:
    found = RANGE.fullmatch(what)
    if found is None:
        raise UsageError("which events?", hint="EPOCH:FIRST-LAST, such as 5f0c:1-500; `qrgate-provision gates` shows epochs")
    return found[1], int(found[2]), int(found[3])


def _replay(what: str) -> tuple[Deed, bytes]:
    epoch, first, last = _range(what)
    return _made(deeds.Verb.REPLAY, deeds.arguments(Replay(epoch, ((first, last),))), "the first stands before the last")


def _erase(what: str) -> tuple[Deed, bytes]:
    return _made(deeds.Verb.ERASE, deeds.arguments(Erase(*_range(what))), "the first stands before the last")


def _bundle(what: str) -> tuple[Deed, bytes]:
    try:
        content = Path(what).read_bytes()
    except OSError as error:
        raise UsageError(f"{what or 'the file'} cannot be read: {error.strerror}", hint="bundle FILE") from None
    return ordering.announced(content), content


MAKERS: dict[str, Callable[[str], tuple[Deed, bytes]]] = {
    "open": lambda what: _made(deeds.Verb.OPEN, {"direction": what or "entry"}, "entry or exit"),
    "mode": lambda what: _made(deeds.Verb.MODE, {"mode": what}, "normal, free or locked"),
    "drill": _drill,
    "bundle": _bundle,
    "diagnostics": _nothing_more(Diagnose()),
    "restart": _nothing_more(Restart()),
    "replay": _replay,
    "erase": _erase,
}
"""What the command line says, made into a deed, and the file that goes with it."""
