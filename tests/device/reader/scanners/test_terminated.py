from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from device.reader.decoders import PAYLOAD_MAX
from device.reader.scanners.terminated import Terminated


def test_cr_lf_or_both_end_a_text_and_every_other_byte_is_kept() -> None:
    assert Terminated().heard(b"a\rb\nc\r\n\x02\x00\xff\r") == [b"a", b"b", b"c", b"\x02\x00\xff"]


def test_it_is_never_asked_anything() -> None:
    module = Terminated()
    assert (list(module.set_up()), list(module.ask()), module.stop, module.silent) == ([], [], b"", True)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(stream=st.lists(st.binary(max_size=40) | st.sampled_from([b"\r", b"x" * 5000]), max_size=30))
def test_whatever_comes_gives_texts_within_their_bounds_and_never_an_error(stream: list[bytes]) -> None:
    module = Terminated()
    for piece in stream:
        for each in module.heard(piece):
            assert isinstance(each, bytes)
            assert 0 < len(each) <= PAYLOAD_MAX
            assert not set(each) & {13, 10}
