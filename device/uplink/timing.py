"""How long the uplink waits for what: every bound in one place, so that a test can shorten it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. Code constants rather than settings: nobody at a gate has a reason to choose others."""

    tick_s: float = 0.25  # the longest sleep of the main loop: a stop is noticed within it
    watchdog_s: float = 2.0  # between signs of life to systemd

    connect_s: float = 5.0  # TCP, and each step of the TLS handshake
    dial_s: float = 120.0  # all of them for all addresses, name look-up included
    welcome_s: float = 20.0  # from the open connection to the accepted birth message; after an outage a broker has thousands to welcome
    answer_s: float = 20.0  # from a publish to its PUBACK; paho sends nothing again while it is connected
    leave_s: float = 2.0  # for the last message and the orderly goodbye
    keepalive_s: int = 20

    first_wait_s: float = 1.0  # ceiling of the first wait before a new connection; it doubles. A market's gates lose their router all at once
    most_wait_s: float = 30.0
    first_quota_wait_s: float = 1.0  # the same where the broker says that a quota is used up

    word_apart_s: float = 1.0  # between two words about the gate's health
    first_word_wait_s: float = 1.0  # ceiling of the first wait after one that was not taken, or an answer that was not; it doubles
    most_word_wait_s: float = 600.0

    first_gate_wait_s: float = 0.05  # the same for the local link, where nobody else is in the queue
    most_gate_wait_s: float = 1.0
    hello_s: float = 5.0  # from the open link to the gate's Hello
    gate_silent_s: float = 10.0  # a gate that has been away for longer is no gate that is `ready`: its start takes 3 s on a small Pi

    pace_per_s: float = 1000.0
    """Events a second while a backlog drains. A gate makes fewer than 5, and a burst of thousands overflows the queue
    that a broker keeps for the recorder (mosquitto: 1000 messages, then it drops what it acknowledged)."""
