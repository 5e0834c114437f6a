"""What root makes in the home of another user belongs to that user.

Otherwise one `sudo uwf …` would lock the owner out for good: of the locks, the slots, the settings. What is made
gets the owner and the group of the folder that it is made in, which is what that user's own uwf would have given it.
"""

from __future__ import annotations

import errno
import os
import stat

FOLDER_MODE = 0o700


def give(path: str) -> None:
    """Give what this process has made at `path` to the owner of its folder. Does nothing unless root made it.

    A file with a second name may be another one than was made here, and the owner of the folder is not given that.
    """
    if os.geteuid():
        return
    folder, made = os.stat(os.path.dirname(path) or "."), os.lstat(path)
    is_ours = stat.S_ISDIR(made.st_mode) or (stat.S_ISREG(made.st_mode) and made.st_nlink == 1)
    if folder.st_uid and not made.st_uid and is_ours:
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def make_folder(path: str) -> None:
    """Make the folder and those above it, for this user alone, where they are not there."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if above and above != path:
        make_folder(above)
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileExistsError:
        if os.path.isdir(path):
            return  # by another process
        if os.path.islink(path):
            why = f"it is a link to {os.path.realpath(path)}, which is not there"
            raise FileNotFoundError(errno.ENOENT, why, path) from None
        raise
    give(path)


def open_at_end(path: str) -> int:
    """A descriptor of the file at `path`, to be written at its end; made for this user alone where it is not there."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        give(path)
    except OSError:
        os.close(file)
        raise
    return file
