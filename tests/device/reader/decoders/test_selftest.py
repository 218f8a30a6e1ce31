from __future__ import annotations

import numpy as np
import segno

from device.reader.decoders import selftest


def test_the_modules_that_are_written_down_are_what_an_encoder_makes_of_the_payload() -> None:
    symbol = segno.make(selftest.PAYLOAD, error="m", mode="byte", micro=False, boost_error=False)
    expected = np.array([[255 * (1 - (cell & 1)) for cell in row] for row in symbol.matrix_iter(scale=4, border=4)])
    assert np.array_equal(selftest.picture(), expected)
