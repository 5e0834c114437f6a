"""Takes this many MiB of memory and touches all of it: hungry.py MIB [FILE]. It says so by FILE, and stays a while."""

import sys
import time

held = bytearray(int(sys.argv[1]) << 20)
for place in range(0, len(held), 4096):
    held[place] = 1
for path in sys.argv[2:]:
    open(path, "w").close()
    time.sleep(0.2)
print("---\n$status: done\n---")
