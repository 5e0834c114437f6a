"""A thread, whole, in one file: out of one store and into another. What a file may bring in is said by `incoming`."""

from __future__ import annotations

from uwf.engine.actions.incoming import Incoming
from uwf.engine.chain import wake
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import ATTEMPTS, CWD, THREADS, TOLD
from uwf.errors import InputError
from uwf.record import Record
from uwf.store import bundle, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from uwf.store.protocols import Gate, Store


class Imported(Record):
    """The threads that a file brought, those of them that were here already, and how many objects it has."""

    threads: tuple[str, ...]
    known: tuple[str, ...]
    objects: int


def export(store: Store, thread: str, stream: IO[bytes]) -> int:
    """Write `thread` with all its history and what waits for it, but no timer, which is its home's; the number of
    objects.
    """
    attempt = read_attempt(store, thread)
    names = [THREADS + thread]
    if attempt is not None and attempt.running is None:
        names.append(ATTEMPTS + thread)
    told = [TOLD + thread]
    return bundle.export_bundle(store, names, stream, if_there=told, tags=wake.without).objects


def export_to(store: Store, thread: str, path: str) -> int:
    """Export into a new file, which appears whole or not at all. `InputError` when there is one already."""
    unfinished = files.start_new(path)
    try:
        with open(unfinished, "wb") as file:
            objects = export(store, thread, file)
    except BaseException:
        files.discard(unfinished)
        raise
    if not files.publish_new(unfinished, path):
        raise InputError(
            f"{path} is there already",
            hint=f"uwf thread export {thread} -o {files.another_name(path)}",
        )
    return objects


def import_threads(
    store: Store,
    stream: IO[bytes],
    name: str,
    folder: str,
    gate: Gate | None = None,
    cwd: str | None = None,
) -> Imported:
    """Take in the threads of a file, which a person calls `name`. `folder` is where a large one is spooled.

    `gate` is the store's: what it would clean is not taken in. `cwd` is the folder that their agents work in here.
    """

    def tags(ref: str, told: dict[str, str]) -> dict[str, str]:
        return {**told, CWD: cwd} if cwd is not None and ref.startswith(THREADS) else told

    incoming = Incoming(store, gate)
    try:
        found = bundle.import_bundle(
            store,
            stream,
            look=incoming.look,
            allow=incoming.allow,
            agree=incoming.agree,
            tags=tags,
            folder=folder,
        )
    except InputError as error:
        if error.code != "bad_bundle":
            raise
        message = f"cannot import {name}: {error.message}"
        raise InputError(
            message, hint=error.hint or "uwf thread export THREAD -o FILE", code=error.code
        ) from None
    return Imported(_threads(found.refs), _threads(found.known), found.objects)


def _threads(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.removeprefix(THREADS) for name in names if name.startswith(THREADS))
