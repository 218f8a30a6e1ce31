"""An order, from the gate's challenge to the gate's answer; and a file, part by part, after the order that announces it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission import list_file
from device.bundles import strict
from device.commands import asking, chunk, order
from device.commands.asking import CHALLENGE, Ask, Challenge
from device.commands.deeds import FILE_MAX, Announce, Deed
from device.commands.order import ALONE_WITHIN_S, ID_BYTES, TOGETHER_WITHIN_S, Order, Signature
from device.errors import ContactError, UsageError, VerificationError
from device.events.topics import Topics
from provisioning.commanding.conversation import Conversation


def ask(conversation: Conversation, *, lifetime_s: int = ALONE_WITHIN_S) -> Challenge:
    """Raises ContactError: nobody answers, or not with a challenge."""
    question = Ask(secrets.token_bytes(ID_BYTES), lifetime_s)

    def put() -> None:
        conversation.say(CHALLENGE, asking.encode_ask(question))

    put()
    try:
        return asking.read_challenge(conversation.answer(question.id, ask=put))
    except VerificationError as error:
        raise ContactError(f"the gate gives no challenge: {error.what}", hint="is its version older than this one?") from None


def made(deed: Deed, gate: str, challenge: Challenge, *, actor: str, why: str, together: bool) -> Order:
    """``together``: somebody on another machine signs it too, which takes minutes. Raises UsageError."""
    within_s = min(challenge.lifetime_s, TOGETHER_WITHIN_S if together else ALONE_WITHIN_S)
    told = Order(secrets.token_bytes(ID_BYTES), deed, gate, challenge.boot, challenge.challenge, within_s, actor, why)
    try:
        order.encode(told)
    except (VerificationError, ValueError) as error:
        what = error.what if isinstance(error, VerificationError) else "it cannot be written"
        raise UsageError(f"no gate would take this order: {what}", hint="ids are lower-case; a reason is one short line") from None
    return told


def signed(told: Order, keys: Sequence[Ed25519PrivateKey]) -> tuple[Signature, ...]:
    payload = order.encode(told)
    return tuple(order.sign(key, payload) for key in keys)


def send(conversation: Conversation, told: Order, signatures: Sequence[Signature]) -> dict[str, Any]:
    """The gate's answer. Raises ContactError: there is none, and the order may have been carried out all the same."""
    conversation.say(told.verb, order.message(signatures))
    try:
        return conversation.answer(told.id)
    except ContactError as error:
        hint = "its next event `command` tells; look before you order the same again"
        raise ContactError(f"{error.what}: whether the order was carried out is not known", hint=hint) from None


def send_file(conversation: Conversation, id_: bytes, content: bytes, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """The gate's last word, when it has the whole of the file that the order ``id_`` has announced. Raises ContactError."""
    parts = chunk.split(id_, content)
    at = 0
    last_told: dict[str, Any] = {"outcome": "receiving"}
    for _ in range(2 * len(parts) + 1):  # a gate, or a broker in its name, that goes back again and again ends this
        burst = parts[at : at + chunk.ANSWER_EVERY - at % chunk.ANSWER_EVERY]
        for part in burst:
            conversation.say(chunk.VERB, chunk.encode(part))
        last_told = conversation.answer(id_)
        at = last_told.get("next", -1)
        if last_told.get("outcome") != "receiving" or last_told.get("whole") or type(at) is not int or not 0 <= at < len(parts):
            break
        progress(at, len(parts))
    return last_told


def announced(content: bytes) -> Announce:
    """What is to be announced of a bundle or list. Raises UsageError where it is neither, or one that is carried by hand."""
    try:
        if content.startswith((list_file.WHOLE, list_file.CHANGES)):
            envelope = list_file.read_head(content[: list_file.HEAD_MAX]).envelope
            kind = str(list_file.decode(order.unproven(Signature(b"", envelope))).kind)
        else:
            kind = str(_header(content)["kind"])
    except (VerificationError, LookupError, TypeError):
        raise UsageError("this is neither a bundle nor a list", hint="give a file that `qrgate-provision` has written") from None
    if kind not in FILE_MAX or _holds_secrets(kind, content):
        raise UsageError(f"{kind}: secrets go through no broker, for bundles are not encrypted", hint="carry it to the gate: sudo qrgate take")
    if len(content) > FILE_MAX[kind]:
        raise UsageError(f"it has {len(content)} bytes, and no gate takes more than {FILE_MAX[kind]}", hint="leave out what is not needed")
    return Announce(kind, len(content), hashlib.sha256(content).digest())


def must_suit(content: bytes, topics: Topics, now_s: float) -> None:
    """Is the bundle ``content`` for this gate, and not over? Nothing is proven here: the gate does that. A list is for whoever has its key.

    Raises:
        UsageError: by its own words the gate would not take it.
    """
    if content.startswith((list_file.WHOLE, list_file.CHANGES)):
        return
    header = _header(content)
    places = ((header.get("sites"), topics.site), (header.get("gates"), topics.gate), ([header.get("province")], topics.province))
    if any(isinstance(named, list) and here not in named for named, here in places):
        raise UsageError(f"this bundle is not for {topics.gate}", hint="`qrgate-provision bundle show` tells whom it is for")
    if isinstance(ends := header.get("expires"), int) and ends < now_s:
        raise UsageError("the time of this bundle is over", hint="sign it again, with a later --until or none")


def _header(content: bytes) -> Any:
    return strict.decode(order.unproven(Signature(b"", content)))


def _holds_secrets(kind: str, content: bytes) -> bool:
    """Rotating passes are made from secrets, which their bundle signs and does not encrypt."""
    return kind == "trust" and bool(_header(content)["content"].get("rotating"))
