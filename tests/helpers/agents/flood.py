"""Writes as fast as it can: flood.py BYTES [stderr]; BYTES may be inf. Exits with success when it is done."""

import os
import sys

left = float(sys.argv[1])
end = 2 if sys.argv[2:] == ["stderr"] else 1
block = b"0123456789abcdef" * 4096
while left > 0:
    left -= os.write(end, block[: int(min(left, len(block)))])
