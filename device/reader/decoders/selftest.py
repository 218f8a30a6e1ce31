"""A known code that every decoder must read at start, byte for byte.

A zbar that guesses the charset returns `N廙砝|01012021` for the end of this line: fields vanish, and a person is
somebody else. A decoder that does that must not be used at all.
"""

from __future__ import annotations

import numpy as np

from device.reader.frame import Luma

PAYLOAD = "999000000001||Lê Văn An|01011990|Nữ||01012021".encode()

MODULES = """
1fca1487f 105dc9141 1758aec5d 175f00e5d 174d2c75d 104119541 1fd55557f 001344100 105cbccce 141a35692 1d58360ec
052d411c6 0572ff662 0a0b51fd7 0fd506c14 1faee6d4f 01f892c19 0630ed3c3 107c31f37 1cb4cf106 0d7bf0099 198d5538a
17d8f4104 130d80d0e 1f74627ff 0019e5317 1fcf24354 104cc1517 1748841f8 1745d8d3b 1744d273b 104c742c8 1fd098122
"""
"""The symbol of ``PAYLOAD``, version 4-M: one number a row, one bit a module, dark is 1, the leftmost the highest.
Written down so that a gate needs no encoder; a test proves it with one."""

SCALE_PX = 4
QUIET_ZONE = 4  # modules, ISO/IEC 18004 section 5.3.8


def picture() -> Luma:
    """The code as a camera would see it, 164 x 164."""
    rows = [int(row, 16) for row in MODULES.split()]
    dark = np.array([[row >> place & 1 for place in reversed(range(len(rows)))] for row in rows], np.uint8)
    modules = np.pad(1 - dark, QUIET_ZONE, constant_values=1) * np.uint8(255)
    return np.ascontiguousarray(modules.repeat(SCALE_PX, axis=0).repeat(SCALE_PX, axis=1))
