"""What a folder takes of the disk."""

from __future__ import annotations

import os


def size_bytes(path: str, most_bytes: int | None = None) -> int:
    """What the files below `path` take on the disk; counted no further than `most_bytes`. Links are not followed."""
    total, left = 0, [path]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue  # it has gone, or may not be read
        if most_bytes is not None and total > most_bytes:
            break
    return total
