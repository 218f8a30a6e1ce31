from __future__ import annotations

import unicodedata

import pytest

from device.domain import Reason
from device.turnstile.signals import SIGNAL_OF_REASON, Signal
from device.turnstile.words import LINES, OF_SIGNAL, TELLINGS, Line, Symbol, line

# Vowels with and without tone, and đ: with a to z, digits and a few marks all that Vietnamese is written with.
VOWELS = "aăâeêioôơuưy"
TONES = ("", "\N{COMBINING GRAVE ACCENT}", "\N{COMBINING ACUTE ACCENT}", "\N{COMBINING HOOK ABOVE}", "\N{COMBINING TILDE}", "\N{COMBINING DOT BELOW}")
VIETNAMESE = {unicodedata.normalize("NFC", vowel + tone) for vowel in VOWELS for tone in TONES} | set("bcdđghklmnpqrstvx")
MARKS = set(" .,:-")
BY_NAME = {"DENIED", "REVOKED", "FORGED", "UNKNOWN_ISSUER", "WRONG_USE"}


def test_every_signal_and_every_reason_has_words() -> None:
    told = [line(signal) for signal in Signal] + [line(SIGNAL_OF_REASON[reason], reason) for reason in Reason]
    assert [each for each in told if not each.vietnamese or not each.english] == []
    assert set(OF_SIGNAL) == set(Signal)


def test_a_reason_says_what_to_do_only_where_it_fits_the_signal() -> None:
    assert line(Signal.ANOTHER_CODE, Reason.PAYMENT_CODE).english == "Show your health pass, not a payment code"
    assert line(Signal.WAIT, Reason.PAYMENT_CODE) is OF_SIGNAL[Signal.WAIT]
    assert line(Signal.ONE_AT_A_TIME, Reason.ONE_AT_A_TIME) is OF_SIGNAL[Signal.ONE_AT_A_TIME]


def test_who_may_pass_is_reminded_of_his_declaration() -> None:
    assert line(Signal.GO, Reason.NOT_DECLARED).vietnamese == "Mời qua. Nhớ khai báo y tế"
    assert line(Signal.GO, Reason.EXIT_FREE) is OF_SIGNAL[Signal.GO]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_who_is_refused_by_name_sees_and_hears_a_plain_refusal(name: str) -> None:
    reason = Reason[name]
    assert line(SIGNAL_OF_REASON[reason], reason) is line(Signal.NO)


def test_a_plain_refusal_has_harmless_reasons_too() -> None:
    plain = {reason.name for reason in Reason if line(SIGNAL_OF_REASON[reason], reason) is line(Signal.NO)}
    assert plain - BY_NAME >= {"HEALTH_RULE", "NOT_LISTED", "DECLARATION_UNKNOWN", "ALREADY_INSIDE"}


def test_every_line_has_a_name_and_words_of_its_own() -> None:
    for one in ("name", "vietnamese", "english"):
        assert len({getattr(each, one) for each in LINES}) == len(LINES)
    assert [line(signal, reason) for signal, reason in TELLINGS] == list(LINES)


def test_every_symbol_is_used() -> None:
    assert {each.symbol for each in LINES} == set(Symbol)


@pytest.mark.parametrize("told", LINES, ids=lambda told: told.name)
def test_lines_are_short_and_rightly_spelt(told: Line) -> None:
    foreign = ("QR", "Wi-Fi", "web")
    plain = told.vietnamese
    for word in foreign:
        plain = plain.replace(word, "")
    assert set(plain.lower()) <= VIETNAMESE | MARKS  # composed letters, and no f, j, w, z
    assert told.english.isascii()
    assert (len(told.vietnamese) <= 48, len(told.english) <= 48) == (True, True)
    assert not told.vietnamese.endswith(".")


def test_only_an_idle_gate_is_silent() -> None:
    assert {each.name for each in LINES if not each.is_spoken} == {"dark", "degraded"}


def test_whoever_is_refused_is_told_whom_to_call_and_whoever_may_go_is_not() -> None:
    signals = {each.signal for each in LINES if each.gives_hotline}
    assert signals == {Signal.NO, Signal.ANOTHER_CODE, Signal.HELP_IS_CALLED, Signal.SERVICE, Signal.OUT_OF_ORDER}
