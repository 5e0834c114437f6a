"""From what a person types to a thread or an object.

A thread is its ULID, a unique prefix or suffix of four or more characters, or `@last`. An object is an id, a
unique prefix of four or more, `THREAD~N` (N steps before the head), `THREAD/role@N` (that role's N-th visit),
or a thread, which stands for its head.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain import nodes
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.nodes import Position, Start
from uwf.engine.chain.tags import THREADS, THREADS_END
from uwf.errors import Ambiguous, InputError, NotFound
from uwf.quantities import one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Reader
    from uwf.store.values import Ref

LAST = "@last"
SHORTEST = 4


def thread_ref(store: Reader, text: str) -> Ref:
    """The ref of the thread that `text` names. Raises `NotFound`, `Ambiguous` or `InputError`."""
    if text == LAST:
        newest = store.refs(THREADS, high=THREADS_END, newest_first=True, limit=1)
        if not newest:
            raise NotFound(
                "there is no thread yet",
                hint="uwf thread start WORKFLOW -p 'what to do'",
                code="no_such_thread",
            )
        return newest[0]
    word = text.upper()
    if clock.is_ulid(word):
        ref = store.ref(THREADS + word)
        if ref is None:
            raise _no_thread(text)
        return ref
    if not word.isalnum() or not word.isascii() or len(word) > clock.ULID_LENGTH:
        raise _no_thread(text)
    if len(word) < SHORTEST:
        raise InputError(
            f"thread {text!r} is too short: give {SHORTEST} characters or more of its id",
            hint="uwf thread list --all",
            code="too_short",
        )
    found = store.names(THREADS + word, limit=6)
    found += [name for name in store.names(THREADS, ending=word, limit=6) if name not in found]
    if not found:
        raise _no_thread(text)
    if len(found) > 1:
        names = ", ".join(short(store, name.removeprefix(THREADS)) for name in found[:5])
        raise Ambiguous(
            f"thread {text!r} fits more than one: type one of {names}{', …' if len(found) > 5 else ''}",
            hint="uwf thread list --all",
        )
    ref = store.ref(found[0])
    if ref is None:
        raise _no_thread(text)
    return ref


def short(store: Reader, id: str) -> str:
    """The shortest suffix of a thread's id that means this thread wherever one is typed, and nothing else; all of it
    where there is none, or no such thread. It has a letter that no object's id has.
    """
    if not clock.is_ulid(id):
        return id
    alike = store.names(THREADS, ending=id[-SHORTEST:])
    if THREADS + id not in alike:
        return id
    for length in range(SHORTEST, len(id)):
        suffix = id[-length:]
        begins = store.names(THREADS + suffix, limit=1)
        if not _is_hex(suffix) and not begins and _ends_one(suffix, alike):
            return suffix
    return id


def _ends_one(suffix: str, names: list[str]) -> bool:
    return sum(name.endswith(suffix) for name in names) <= 1


def _is_hex(text: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in text.lower())


def object_id(store: Reader, text: str) -> str:
    """The id of the object that `text` names. Raises `NotFound`, `Ambiguous` or `InputError`."""
    if "~" in text:
        thread, _, count = text.rpartition("~")
        return _before_head(store, thread, count, text)
    if "/" in text:
        thread, _, visit = text.partition("/")
        role, at, count = visit.rpartition("@")
        if not at or not role:
            raise InputError(
                f"cannot read {text!r}: a visit is written THREAD/role@N",
                hint=f"uwf step list {thread}",
                code="bad_address",
            )
        return _visit(store, thread, role, count, text)
    if text == LAST or clock.is_ulid(text.upper()):
        return thread_ref(store, text).id
    if len(text) >= SHORTEST and _is_hex(text):
        try:
            return store.find(text)
        except NotFound:
            pass  # a thread may be called so
    try:
        return thread_ref(store, text).id
    except NotFound:
        raise NotFound(
            f"no object, step or thread {text!r}",
            hint="uwf thread list --all",
            code="no_such_object",
        ) from None


def forkable(store: Reader, text: str) -> tuple[str, str | None]:
    """The chain node that `text` names, and the thread it was named through, if any."""
    id = object_id(store, text)
    word = text.rpartition("~")[0] or text.partition("/")[0]
    try:
        ref = thread_ref(store, word)
    except (NotFound, InputError):
        return id, None
    if word == text and ref.id != id:  # the beginning of an object, and of a thread only by chance
        return id, None
    return id, ref.name.removeprefix(THREADS)


def step_id(store: Reader, text: str, *, or_attempt: bool = False) -> str:
    """Like `object_id`, but the object must be a step, or may be an attempt; a thread stands for its newest step.

    Where there is no step yet but an attempt may be meant, it stands for the newest one that has ended.
    """
    id = object_id(store, text)
    kind = store.get(id).kind
    if kind in ("start", "rebind"):
        at = Position.read(store, id)
        if at.step is not None:
            return at.step
        is_node = id.startswith(text.lower())
        thread = Start.read(store, at.start).thread if is_node else text
        if or_attempt:
            of = thread if is_node else thread_ref(store, text).name.removeprefix(THREADS)
            attempt = read_attempt(store, of)
            if attempt is not None and attempt.last_end is not None:
                return attempt.last_end
        raise NotFound(
            f"{text!r} has no step yet", hint=f"uwf thread exec {thread}", code="no_such_step"
        )
    if kind != "step" and not (or_attempt and kind == "attempt"):
        raise InputError(
            f"object {id[:12]} is {one(kind)}, not a step",
            hint=f"uwf cas get {id[:12]}",
            code="not_a_step",
        )
    return id


def _before_head(store: Reader, thread: str, count: str, text: str) -> str:
    back = _whole(count, thread, text)
    for at, node in nodes.back(store, thread_ref(store, thread).id):
        if node.kind == "step":
            if back == 0:
                return at
            back -= 1
    raise NotFound(
        f"no step {text!r}: the thread is shorter than that",
        hint=f"uwf step list {thread}",
        code="no_such_step",
    )


def _visit(store: Reader, thread: str, role: str, count: str, text: str) -> str:
    visit = _whole(count, thread, text)
    for at, node in nodes.back(store, thread_ref(store, thread).id):
        if node.kind == "step" and node.payload["role"] == role:
            if node.payload["visits"][role] == visit:
                return at
            if node.payload["visits"][role] < visit:
                break
    raise NotFound(
        f"no step {text!r}: role {role!r} has no visit {visit} in that thread",
        hint=f"uwf step list {thread}",
        code="no_such_step",
    )


def _whole(count: str, thread: str, text: str) -> int:
    if not (count.isascii() and count.isdigit() and len(count) <= 9):
        raise InputError(
            f"cannot read {text!r}: {count!r} is not a whole number",
            hint=f"uwf step list {thread}",
            code="bad_address",
        )
    return int(count)


def _no_thread(text: str) -> NotFound:
    return NotFound(f"no thread {text!r}", hint="uwf thread list --all", code="no_such_thread")
