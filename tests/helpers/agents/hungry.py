"""Takes this many MiB of memory and touches all of it: hungry.py MIB."""

import sys

held = bytearray(int(sys.argv[1]) << 20)
for place in range(0, len(held), 4096):
    held[place] = 1
print("---\n$status: done\n---")
