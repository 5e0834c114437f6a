"""The checked configuration, kept beside the file, because reading TOML costs more than running a command.

The cache begins with a seal over the version, the file's bytes and the settings. It counts only while the seal
fits, so a stale, torn or foreign cache is the same as none. It may be deleted at any time.
"""

from __future__ import annotations

import os

import msgpack  # type: ignore[import-untyped]  # it ships none
from blake3 import blake3

from uwf import __version__, owned
from uwf import home as paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SEAL_BYTES = 32
_MOST_BYTES = (
    1 << 20
)  # where a device stands in its place; the buffer is made as large as is asked for


def read(home: str, data: bytes) -> dict[str, Any] | None:
    """The settings in the file whose bytes are `data`; None if they are not known yet."""
    try:
        with open(_path(home), "rb", opener=_not_waiting) as file:
            kept = file.read(_MOST_BYTES)
    except OSError:
        return None
    seal, body = kept[:_SEAL_BYTES], kept[_SEAL_BYTES:]
    if seal != _seal(data, body):
        return None
    settings: dict[str, Any] = msgpack.unpackb(body)
    return settings


def write(home: str, data: bytes, settings: dict[str, Any]) -> None:
    """Keep `settings` for the next command. A home that cannot be written stays without a cache."""
    body: bytes = msgpack.packb(settings)
    path = _path(home)
    temporary = f"{path}.{os.getpid()}"
    try:
        paths.made(os.path.dirname(path))
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            owned.give(temporary)
            file.write(_seal(data, body) + body)
        os.replace(temporary, path)
    except OSError:
        from contextlib import suppress  # 2 ms, and few homes are full

        with suppress(OSError):
            os.unlink(temporary)


def _not_waiting(path: str, flags: int) -> int:
    """Opening a pipe waits for its writer otherwise."""
    return os.open(path, flags | os.O_NONBLOCK)


def _path(home: str) -> str:
    return paths.config_cache(home)


def _seal(data: bytes, body: bytes) -> bytes:
    whole = f"{__version__} {len(data)} ".encode() + data + body
    seal: bytes = blake3(whole).digest()
    return seal
