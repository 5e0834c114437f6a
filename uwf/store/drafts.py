"""Drafts: files beside the store for what is being tried now and may never need to be in it.

A draft is on record as soon as it is kept: whoever comes after the death of this process finds it. It takes no
turn among the writers and does not wait for the disk, so a power cut may lose it. It is written over in place, and a
hash tells a whole one from one that was being written when its writer died, or is being written just now.
"""

from __future__ import annotations

import errno
import os
import time

from blake3 import blake3

from uwf.errors import StoreError
from uwf.store.files import FILE_MODE, FOLDER_MODE

_HASH_BYTES = 16
_LENGTH_BYTES = 8
_HEAD_BYTES = _HASH_BYTES + _LENGTH_BYTES
_LOOKS, _PAUSE_S = 5, 0.0005
_LONGEST_NAME = 100
_CAUSES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ("store_full", "the disk is full")),
    **dict.fromkeys((errno.EACCES, errno.EROFS), ("store_readonly", "it is read-only")),
}


class Drafts:
    """The drafts of the store file at `path`. One process at a time may keep or drop the draft of one name."""

    def __init__(self, path: str) -> None:
        self._folder = f"{path}-drafts"
        self._name, self._file = "", -1  # the one that is kept again and again

    def keep(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, in place of what was kept there. Raises StoreError, and nothing counts then."""
        if not is_plain(name):
            raise ValueError(f"{name!r} is no name for a draft")
        page = _headed(data)
        try:
            if name != self._name:
                self.close()
                self._file = self._create(name)
                self._name = name
            written = os.pwrite(self._file, page, 0)
        except OSError as error:
            raise self._cannot_keep(error.errno) from error
        if written != len(page):
            raise self._cannot_keep(errno.ENOSPC)

    def read(self, name: str) -> bytes | None:
        """What was kept under `name`; None when nothing was, or not all of it."""
        if not is_plain(name):
            return None
        for look in range(_LOOKS):
            try:
                page = _content(self._path(name))
            except OSError:
                return None
            data = page[_HEAD_BYTES : _HEAD_BYTES + int.from_bytes(page[:_LENGTH_BYTES], "big")]
            if _headed(data) == page[: _HEAD_BYTES + len(data)]:
                return data
            if look + 1 < _LOOKS:
                time.sleep(_PAUSE_S)  # its writer may be at it
        return None

    def drop(self, name: str) -> None:
        """Keep nothing under `name` any more. What cannot be removed stays; a draft must be void by itself."""
        if not is_plain(name):
            return
        if name == self._name:
            self.close()
        try:
            os.unlink(self._path(name))
        except OSError:
            return

    def names(self) -> list[str]:
        """What there are drafts of, ascending."""
        try:
            found = os.listdir(self._folder)
        except OSError:
            return []
        return sorted(filter(is_plain, found))

    def close(self) -> None:
        """May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._name, self._file = "", -1

    def _create(self, name: str) -> int:
        path, flags = self._path(name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return os.open(path, flags, FILE_MODE)
        except FileNotFoundError:
            os.makedirs(self._folder, mode=FOLDER_MODE, exist_ok=True)
            return os.open(path, flags, FILE_MODE)

    def _cannot_keep(self, number: int | None) -> StoreError:
        system = os.strerror(number or errno.EIO)
        code, cause = _CAUSES.get(number or 0, ("store_io", "the disk reports an error"))
        return StoreError(
            f"cannot write into {self._folder}: {cause} ({system})",
            code=code,
            hint=f"df -h {os.path.dirname(self._folder) or '.'}",
        )

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"


class DraftsInMemory(Drafts):
    """The drafts of a store in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def keep(self, name: str, data: bytes) -> None:
        if not is_plain(name):
            raise ValueError(f"{name!r} is no name for a draft")
        self._kept[name] = data

    def read(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def drop(self, name: str) -> None:
        self._kept.pop(name, None)

    def names(self) -> list[str]:
        return sorted(self._kept)

    def close(self) -> None:
        """Nothing to do."""


def is_plain(name: str) -> bool:
    """Whether there can be a draft of that name: up to 100 letters and digits of ASCII, as every ULID is."""
    return name.isalnum() and name.isascii() and len(name) <= _LONGEST_NAME


def _headed(data: bytes) -> bytes:
    length = len(data).to_bytes(_LENGTH_BYTES, "big")
    return length + blake3(length + data).digest(_HASH_BYTES) + data


def _content(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        page = os.read(file, 1 << 16)
        while len(page) % (1 << 16) == 0 and (more := os.read(file, 1 << 16)):
            page += more
        return page
    finally:
        os.close(file)
