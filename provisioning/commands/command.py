"""``qrgate-provision command``: order something at one gate, and tell what it has answered."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.commands import deeds
from device.commands.chunk import ANSWER_EVERY
from device.commands.deeds import Announce, needs_two
from device.commands.order import ALONE_WITHIN_S, TOGETHER_WITHIN_S, Order, Signature, key_id
from device.errors import EXIT_FAULT, EXIT_OK, UsageError, VerificationError
from device.events.topics import Topics
from device.settings import ID_PATTERN
from provisioning.authority.keys import raw_public, read_signing_key
from provisioning.commanding import answers, half_signed, ordering, settings, wanted
from provisioning.commanding.answers import DONE
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
  replay EPOCH:FIRST-LAST      send what it still has of these events      recorder
  erase EPOCH:FIRST-LAST       erase the sealed identities of these        health officer
  show FILE                    what is in an order that waits for a second signature
  send FILE                    sign it too, and send it

Roles are delegated to keys by the office (`qrgate-provision delegations --help`).

Free mode, locking and drills need two keys, unless the signer's is limited to a few gates: --second-key signs here too, and --out
writes the order for a second signer, who has {TOGETHER_WITHIN_S // 60} minutes. The reason (--why) is recorded as it is: name no person there."""
EXAMPLES = """\
let somebody in whose code cannot be read:
  qrgate-provision command open --settings op-1 --site giap-bat --gate gb-01 --why "damaged card"
free a lane with two keys on one machine:
  qrgate-provision command mode free --settings op-1 --second-key op-2/order.key --site giap-bat --gate gb-01
the same on two machines; the file goes from one to the other:
  qrgate-provision command mode free --settings op-1 --site giap-bat --gate gb-01 --out free.order
  qrgate-provision command show free.order --settings op-2
  qrgate-provision command send free.order --settings op-2

exit codes beside the usual: 1 the gate has not done it, and says why; 6 no answer: also where it may have done it, as is said then"""

SHOW, SEND = "show", "send"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=[*wanted.MAKERS, SHOW, SEND])
    parser.add_argument("what", nargs="?", default="", metavar="WHAT", help="see above")
    parser.add_argument("--settings", required=True, type=Path, metavar="DIR", help="the folder of whoever orders, as `command-key` made it")
    parser.add_argument("--site", metavar="S", help="the gate's site")
    parser.add_argument("--gate", metavar="G", help="the gate")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the key that signs (default: the one in the settings' folder)")
    parser.add_argument("--second-key", type=Path, metavar="FILE", help="a second key, of somebody else")
    parser.add_argument("--why", default="", metavar="TEXT", help="the reason, recorded as it is")
    parser.add_argument("--wait", type=float, default=ANSWER_WITHIN_S, metavar="S", help="seconds for each answer (default: %(default)g)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="do not send: write the order for a second signer")


def run(options: argparse.Namespace) -> int:
    chosen = settings.load(options.settings)
    if options.verb == SHOW:
        return _show(options, _half(options, chosen))
    keys = _keys(options, chosen)
    if options.verb == SEND:
        return _send_on(options, chosen, keys)
    deed, content = wanted.MAKERS[options.verb](options.what)
    topics = _topics(options, chosen)
    if content:
        ordering.must_suit(content, topics, time.time())
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
                [
                    f"{options.out}: nothing is ordered yet; next, the second signer, within {told.within_s // 60} minutes:",
                    f"  qrgate-provision command {SEND} {shlex.quote(options.out.name)} --settings DIR",
                ],
            )
            return EXIT_OK
        return _carried_out(options, conversation, told, signatures, content)


def _keys(options: argparse.Namespace, chosen: CommandSettings) -> list[Ed25519PrivateKey]:
    """One or two. Raises UsageError, VerificationError."""
    paths = [path for path in (options.key or chosen.orders.key_file, options.second_key) if path is not None]
    for path in paths:
        if not path.exists():
            raise VerificationError(f"there is no key {path}", hint="`qrgate-provision command-key` makes keys that sign orders")
    keys = [read_signing_key(path) for path in paths]
    if len({raw_public(key) for key in keys}) < len(keys):
        raise UsageError("both keys are one and the same", hint="--second-key is that of somebody else")
    return keys


def _half(options: argparse.Namespace, chosen: CommandSettings) -> HalfSigned:
    """The order in a file. Raises UsageError where it waits for no second signature of this province."""
    half = half_signed.read(Path(options.what))
    if half.topics.province != chosen.identity.province:
        raise UsageError(f"this order is for province {half.topics.province}", hint=f"these settings are of {chosen.identity.province}")
    if not needs_two(half.order.deed):
        raise UsageError("this order needs no second signature", hint="do not sign it: nobody who means well asks for that")
    return half


def _described(told: Order) -> str:
    what = ", ".join(f"{name} {value}" for name, value in deeds.arguments(told.deed).items())
    return f"{told.verb} ({what}) at {told.gate}, ordered by {told.actor}: {told.why or 'no reason given'}"


def _show(options: argparse.Namespace, half: HalfSigned) -> int:
    told = half.order
    document = {
        "verb": told.verb,
        "args": deeds.arguments(told.deed),
        "site": half.topics.site,
        "gate": told.gate,
        "actor": told.actor,
        "why": told.why,
    }
    tell(options, document, [f"{_described(told)}; its signature is for the gate to prove"])
    return EXIT_OK


def _send_on(options: argparse.Namespace, chosen: CommandSettings, keys: list[Ed25519PrivateKey]) -> int:
    half = _half(options, chosen)
    if len(keys) != 1:
        raise UsageError("this order waits for one signature", hint="leave --second-key out")
    if key_id(raw_public(keys[0])) == half.signature.key_id:
        raise UsageError("this key has signed the order already", hint="the second signature is somebody else's")
    told = half.order
    sys.stderr.write(f"{NAME}: {_described(told)}\n")
    with Conversation(chosen, half.topics, answer_within_s=options.wait) as conversation:
        return _carried_out(options, conversation, told, (half.signature, *ordering.signed(told, keys)), b"")


def _carried_out(options: argparse.Namespace, conversation: Conversation, told: Order, signatures: tuple[Signature, ...], content: bytes) -> int:
    answer = ordering.send(conversation, told, signatures)
    if isinstance(told.deed, Announce) and answer.get("outcome") == DONE:
        answer = ordering.send_file(conversation, told.id, content, _progress)
        answer = answer | ({"outcome": DONE} if answer.get("whole") is True else {})
    tell(options, answer, answers.lines(told, answer))
    return EXIT_OK if answer.get("outcome") == DONE else EXIT_FAULT


def _topics(options: argparse.Namespace, chosen: CommandSettings) -> Topics:
    for name in ("site", "gate"):
        if getattr(options, name) is None or not re.fullmatch(ID_PATTERN, getattr(options, name)):
            raise UsageError(f"at which {name}?", hint=f"give --{name} with its id, as it stands in the gate's site.toml")
    return Topics(chosen.identity.province, options.site, options.gate)


def _progress(done: int, of: int) -> None:
    """A line for each tenth."""
    if done * 10 // of > (done - ANSWER_EVERY) * 10 // of:
        sys.stderr.write(f"{done} of {of} parts\n")
