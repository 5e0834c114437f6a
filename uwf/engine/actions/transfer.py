"""A thread, whole, in one file: out of one store and into another. What a file may bring in is said by `incoming`."""

from __future__ import annotations

from uwf.engine.actions.incoming import Incoming
from uwf.engine.chain import wake
from uwf.engine.chain import worktree as trees
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import AGENT, ATTEMPTS, CWD, HOST, THREADS, TOLD, WORKTREE_REPO
from uwf.errors import InputError
from uwf.record import Record
from uwf.store import files
from uwf.store.whole import bundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from uwf.store.protocols import Gate, Store
    from uwf.working import OnWork


class Imported(Record):
    """The threads that a file brought, those of them that were here already, and how many objects it has."""

    threads: tuple[str, ...]
    known: tuple[str, ...]
    objects: int


def export(
    store: Store, thread: str, stream: IO[bytes], extra: Mapping[str, str] | None = None
) -> int:
    """Write `thread` with all its history and what waits for it, but without timer, agent, worktree and machine, which
    are its home's; the number of objects. Where its code goes beside it, `extra` are the tags of its worktree then.
    """

    def tags(now: Mapping[str, str]) -> dict[str, str]:
        told = wake.without(now)
        for each in (AGENT, HOST):
            told.pop(each, None)
        return trees.without(told) if extra is None else trees.carried({**told, **extra})

    attempt = read_attempt(store, thread)
    names = [THREADS + thread]
    if attempt is not None and attempt.running is None:
        names.append(ATTEMPTS + thread)
    told = [TOLD + thread]
    return bundle.export_bundle(store, names, stream, if_there=told, tags=tags).objects


def export_to(store: Store, thread: str, path: str, extra: Mapping[str, str] | None = None) -> int:
    """Export into a new file, which appears whole or not at all. `InputError` when there is one already."""
    unfinished = files.start_new(path)
    try:
        with open(unfinished, "wb") as file:
            objects = export(store, thread, file, extra)
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
    in_tree: Callable[[str, dict[str, str]], dict[str, str]] | None = None,
    on_work: OnWork | None = None,
) -> Imported:
    """Take in the threads of a file, which a person calls `name`. `folder` is where a large one is spooled.

    `gate` is the store's: what it would clean is not taken in. `cwd` is the folder that their agents work in here,
    or `in_tree` says with which tags each thread gets a worktree; a file brings none.
    """

    def tags(ref: str, told: dict[str, str], now: Mapping[str, str]) -> dict[str, str]:
        if not ref.startswith(THREADS):
            return told
        for each in (WORKTREE_REPO, HOST):
            told.pop(each, None)
        told.pop(AGENT, None)  # a file may not say what is run here
        if AGENT in now:
            told[AGENT] = now[AGENT]
        if in_tree is not None:
            return in_tree(ref.removeprefix(THREADS), told)
        told = trees.without(told)
        return told if cwd is None else {**told, CWD: cwd}

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
            on_work=on_work,
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
