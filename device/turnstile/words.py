"""What a person is told in words, and with which symbol: one table for display and voice.

Every line says what to do, in Vietnamese and in English. It is short, because a small display has room for three lines,
and plain, because it is read and heard while walking. Whoever is refused by name (denied, revoked, forged …) reads the
plain "no" of any other refusal: the people behind look on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from device.domain import Reason
from device.turnstile.signals import SIGNAL_OF_REASON, Signal


class Symbol(StrEnum):
    """A drawing that can be told from all others without colour and without reading."""

    ARROW = "arrow"  # go
    ARROWS = "arrows"  # the way is free: all may go
    CROSS = "cross"  # no
    BAR = "bar"  # the gate itself is out of order
    OTHER_CODE = "other_code"  # a telephone, and an arrow to the next one
    AGAIN = "again"
    ONE = "one"  # a single code out of a stack
    STILL = "still"  # a telephone at a distance from the eye
    TILT = "tilt"
    HOURGLASS = "hourglass"
    BELL = "bell"  # somebody was called
    WRENCH = "wrench"
    CODE = "code"  # hold it here
    CALENDAR = "calendar"
    CLOCK = "clock"
    PLACE = "place"
    TURN_ROUND = "turn_round"  # the other direction
    SHEET = "sheet"  # a declaration to be filled in


@dataclass(frozen=True, slots=True)
class Line:
    """What one picture and one recording tell. ``name`` is unique; files are called by it."""

    name: str
    signal: Signal
    symbol: Symbol
    vietnamese: str
    english: str

    @property
    def gives_hotline(self) -> bool:
        """Is it followed by whom to call? Not where the person only has to wait, go, or hold the code another way."""
        return self.signal in _GIVE_HOTLINE

    @property
    def is_spoken(self) -> bool:
        """A gate that invites for as long as nobody is there does so in silence."""
        return self.signal not in {Signal.DARK, Signal.DEGRADED}


_GIVE_HOTLINE = frozenset({Signal.NO, Signal.ANOTHER_CODE, Signal.HELP_IS_CALLED, Signal.SERVICE, Signal.OUT_OF_ORDER})

OF_SIGNAL: dict[Signal, Line] = {
    line.signal: line
    for line in (
        Line("go", Signal.GO, Symbol.ARROW, "Mời qua", "Please pass"),
        Line("no", Signal.NO, Symbol.CROSS, "Không qua được. Xin gọi trợ giúp", "You cannot pass. Please call for help"),
        Line("another_code", Signal.ANOTHER_CODE, Symbol.OTHER_CODE, "Xin đưa mã khác", "Please show another code"),
        Line("again", Signal.AGAIN, Symbol.AGAIN, "Xin đưa mã lại lần nữa", "Please show your code again"),
        Line("one_at_a_time", Signal.ONE_AT_A_TIME, Symbol.ONE, "Mỗi lần chỉ đưa một mã", "One code at a time, please"),
        Line("hold_still", Signal.HOLD_STILL, Symbol.STILL, "Giữ yên, cách một gang tay", "Hold it still, a hand's width away"),
        Line("tilt_it", Signal.TILT_IT, Symbol.TILT, "Nghiêng mã cho khỏi lóa sáng", "Tilt it: light lies on it"),
        Line("wait", Signal.WAIT, Symbol.HOURGLASS, "Xin chờ, còn người đang qua", "Please wait, somebody is passing"),
        Line("help_is_called", Signal.HELP_IS_CALLED, Symbol.BELL, "Đã gọi trợ giúp. Xin chờ", "Help is called. Please wait"),
        Line("degraded", Signal.DEGRADED, Symbol.CODE, "Xin đưa mã. Cổng đang chờ sửa", "Show your code. A repair is due"),
        Line("service", Signal.SERVICE, Symbol.WRENCH, "Cổng đang bảo trì. Xin dùng lối khác", "Under maintenance. Please use another way"),
        Line("out_of_order", Signal.OUT_OF_ORDER, Symbol.BAR, "Cổng tạm ngừng. Xin dùng lối khác", "Out of order. Please use another way"),
        Line("way_is_free", Signal.WAY_IS_FREE, Symbol.ARROWS, "Lối đang mở. Xin đi qua", "The way is open. Please walk on"),
        Line("dark", Signal.DARK, Symbol.CODE, "Xin đưa mã QR vào đây", "Hold your QR code here"),
    )
}


def _another(reason: Reason, symbol: Symbol, vietnamese: str, english: str) -> tuple[Reason, Line]:
    return reason, Line(reason.value, Signal.ANOTHER_CODE, symbol, vietnamese, english)


def _no(reason: Reason, symbol: Symbol, vietnamese: str, english: str) -> tuple[Reason, Line]:
    return reason, Line(reason.value, Signal.NO, symbol, vietnamese, english)


OF_REASON: dict[Reason, Line] = dict(
    (
        # another code of the same person may well open
        _another(Reason.NOT_PROVEN, Symbol.OTHER_CODE, "Mã này chưa đủ. Xin đưa thẻ qua cổng", "This is no proof. Please show your gate pass"),
        _another(Reason.NOT_ACCEPTED, Symbol.OTHER_CODE, "Cổng này cần loại mã khác", "This gate needs another kind of code"),
        _another(
            Reason.PAYMENT_CODE, Symbol.OTHER_CODE, "Đưa mã khai báo y tế, không phải mã thanh toán", "Show your health pass, not a payment code"
        ),
        _another(Reason.PLACE_CODE, Symbol.OTHER_CODE, "Đây là mã địa điểm. Xin đưa mã của mình", "This is a place's code. Please show your own"),
        _another(Reason.APP_STORE, Symbol.OTHER_CODE, "Xin mở ứng dụng, rồi đưa mã của mình", "Open the app, then show your own code"),
        _another(
            Reason.HEALTH_LINK, Symbol.SHEET, "Xin khai báo qua liên kết, rồi đưa mã nhận được", "Declare by this link, then show the code you get"
        ),
        _another(Reason.WIFI, Symbol.OTHER_CODE, "Đưa mã khai báo y tế, không phải mã Wi-Fi", "Show your health pass, not a Wi-Fi code"),
        _another(Reason.CONTACT, Symbol.OTHER_CODE, "Đưa mã khai báo y tế, không phải danh thiếp", "Show your health pass, not a contact"),
        _another(Reason.LINK, Symbol.OTHER_CODE, "Đưa mã khai báo y tế, không phải trang web", "Show your health pass, not a web link"),
        _another(Reason.PARTIAL, Symbol.OTHER_CODE, "Mã này mới có một phần. Xin đưa mã đầy đủ", "Only part of a code. Please show a whole one"),
        _another(
            Reason.UNSUPPORTED, Symbol.OTHER_CODE, "Cổng chưa biết loại mã này. Xin đưa mã khác", "This kind is unknown here. Please show another"
        ),
        _another(Reason.MALFORMED, Symbol.OTHER_CODE, "Mã bị lỗi. Xin mở lại hoặc in lại", "This code is faulty. Open or print it anew"),
        # the code is known, and not good here and now
        _no(Reason.EXPIRED, Symbol.CALENDAR, "Mã đã hết hạn. Xin lấy mã mới", "Your code has expired. Please get a new one"),
        _no(Reason.NOT_YET, Symbol.CALENDAR, "Mã chưa đến ngày dùng", "Your code is not valid yet"),
        _no(Reason.WRONG_ZONE, Symbol.PLACE, "Mã này dùng ở khu khác", "Your code is for another area"),
        _no(Reason.WRONG_DIRECTION, Symbol.TURN_ROUND, "Mã này dùng cho chiều kia", "Your code is for the other direction"),
        _no(Reason.CLOSED, Symbol.CLOCK, "Đã đóng cửa. Xin đến vào giờ mở cửa", "Closed now. Please come in opening hours"),
        _no(Reason.NOT_DECLARED, Symbol.SHEET, "Xin khai báo y tế trước, rồi đưa mã lại", "Please declare your health first, then try again"),
        _no(Reason.USED_UP, Symbol.CROSS, "Mã đã dùng hết lượt. Xin lấy mã mới", "Your code is used up. Please get a new one"),
        _no(Reason.JUST_SHOWN, Symbol.HOURGLASS, "Mã này vừa được dùng. Xin chờ", "This code was just used. Please wait"),
        _no(Reason.REPLAYED, Symbol.HOURGLASS, "Xin chờ mã mới hiện ra, rồi đưa lại", "Wait for your next code, then show it"),
        _no(Reason.FULL, Symbol.HOURGLASS, "Bên trong đã đủ người. Xin chờ", "It is full inside. Please wait"),
        _no(Reason.TOO_MANY, Symbol.HOURGLASS, "Đang đông người. Xin chờ một phút", "Too many at once. Please wait a minute"),
    )
)
"""Reasons after which a person can do something of his own. All others are told by their signal alone."""

REMINDERS: dict[Reason, Line] = {
    Reason.NOT_DECLARED: Line(
        "go_and_declare", Signal.GO, Symbol.ARROW, "Mời qua. Nhớ khai báo y tế", "Please pass. Remember to declare your health"
    ),
}
"""What is told beside "go" where the decision admits with a hint."""

LINES: tuple[Line, ...] = (*OF_SIGNAL.values(), *OF_REASON.values(), *REMINDERS.values())
"""All there is to draw and to record."""


def line(signal: Signal, reason: Reason | None = None) -> Line:
    """What is told with ``signal``. ``reason`` is the decision's, or its hint where it admits; it counts only where it fits the signal."""
    if reason is None:
        return OF_SIGNAL[signal]
    if signal is Signal.GO:
        return REMINDERS.get(reason, OF_SIGNAL[signal])
    if SIGNAL_OF_REASON[reason] is signal:
        return OF_REASON.get(reason, OF_SIGNAL[signal])
    return OF_SIGNAL[signal]


TELLINGS: tuple[tuple[Signal, Reason | None], ...] = (
    *((signal, None) for signal in OF_SIGNAL),
    *((told.signal, reason) for table in (OF_REASON, REMINDERS) for reason, told in table.items()),
)
"""One way to ask for each of ``LINES``, in their order: for a test of the display and of the voice."""
