"""`uwf ref`: the names that point at objects, by hand."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import arg, command, opt
from uwf.errors import InputError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.cli.context import Context
    from uwf.store.protocols import Move, Ref

NONE = "none"


@command(
    "ref list",
    help="List refs by name.",
    example="uwf ref list @uwf/thread/ --tag status=suspended",
    prefix=arg("Only names that begin with this.", complete="ref"),
    tag=opt("--tag", metavar="K=V", help="Only with this tag; the same K again means either."),
)
def list_(ctx: Context, prefix: str = "", *, tag: tuple[str, ...] = ()) -> None:
    wanted: dict[str, tuple[str, ...]] = {}
    for key, value in (_pair(text, f"uwf ref list {prefix}".rstrip()) for text in tag):
        wanted[key] = (*wanted.get(key, ()), value)
    found = ctx.reader().refs(prefix, tags=wanted)
    rows = ((ref.name, ref.id[:12], str(ref.version), _line(ref.tags)) for ref in found)
    ctx.out.answer(
        [_document(ref) for ref in found],
        ids=(ref.name for ref in found),
        draw=lambda: (
            ctx.out.table(
                ("name", "id", "version", "tags"), rows, cut=("tags",), spare=("version", "tags")
            )
            if found
            else None
        ),
    )


@command(
    "ref get",
    help="Print what a ref points to, its version and its tags.",
    example="uwf ref get @uwf/registry/review",
    name=arg("The ref.", complete="ref"),
)
def get(ctx: Context, name: str) -> None:
    found = ctx.reader().ref(name)
    if found is None:
        raise _no_ref(name)
    _answer(ctx, found)


@command(
    "ref set",
    help="Point a ref at an object, making the ref if there is none.",
    example="uwf ref set @uwf/registry/review 3f2a9c --expect none",
    detail="Tags that are not named stay as they are; --tag K= takes one away. The ref's log keeps where it "
    "pointed before.",
    name=arg("The ref.", complete="ref"),
    id=arg("An id or 4+ digits of it, THREAD, THREAD~N or THREAD/role@N.", complete="step"),
    tag=opt("--tag", metavar="K=V", help="Set this tag; may be repeated."),
    expect=opt("--expect", metavar="ID", help="Only if it points there now; none: if it is new."),
)
def set_(
    ctx: Context, name: str, id: str, *, tag: tuple[str, ...] = (), expect: str | None = None
) -> None:
    from uwf.engine.query import resolve
    from uwf.store.protocols import ANY

    changes = dict(_pair(text, f"uwf ref set {name} {id}") for text in tag)
    store = ctx.store(create=True)
    target = resolve.object_id(store, id)
    believed = None if expect == NONE else ANY if expect is None else store.find(expect)
    with store.transaction() as tx:
        now = tx.ref(name)
        tags = {**(now.tags if now else {}), **changes}
        kept = {key: value for key, value in tags.items() if value or key not in changes}
        moved = tx.set_ref(name, target, tags=kept, expect=believed, why="ref set")
    _answer(ctx, moved)


@command(
    "ref delete",
    help="Delete a ref; its log stays, and so do its objects until gc.",
    example="uwf ref delete @uwf/registry/review",
    name=arg("The ref.", complete="ref"),
)
def delete(ctx: Context, name: str) -> None:
    if ctx.reader().ref(name) is None:
        raise _no_ref(name)
    with ctx.store().transaction() as tx:
        last = tx.ref(name)
        tx.delete_ref(name, why="ref delete")
    old = last.id if last else None
    ctx.out.answer({"name": name, "deleted": old}, ids=[name], draw=f"deleted {name}, was {old}")


@command(
    "ref log",
    help="Print every move of a ref, oldest first, also after it was deleted.",
    example="uwf ref log @uwf/registry/review",
    name=arg("The ref.", complete="ref"),
)
def log(ctx: Context, name: str) -> None:
    moves = ctx.reader().moves(name)
    if not moves:
        raise _no_ref(name)
    rows = ((str(m.version), clock.iso(m.at_ms), (m.old or "")[:12], (m.new or "")[:12], m.why, m.process)
            for m in moves)  # fmt: skip
    ctx.out.answer(
        [_move(move) for move in moves],
        ids=(move.new for move in moves if move.new),
        draw=lambda: ctx.out.table(
            ("version", "at", "old", "new", "why", "process"),
            rows,
            cut=("why",),
            spare=("process", "old", "at"),
        ),
    )


def _answer(ctx: Context, ref: Ref) -> None:
    fields = {
        "name": ref.name,
        "id": ref.id,
        "version": str(ref.version),
        "tags": _line(ref.tags),
        "updated": clock.iso(ref.updated_ms),
    }
    ctx.out.answer(_document(ref), ids=[ref.id], draw=lambda: ctx.out.fields(fields))


def _document(ref: Ref) -> dict[str, object]:
    return {
        "name": ref.name,
        "id": ref.id,
        "version": ref.version,
        "tags": ref.tags,
        "updatedAt": ref.updated_ms,
    }


def _move(move: Move) -> dict[str, object]:
    return {
        "version": move.version,
        "old": move.old,
        "new": move.new,
        "tags": move.tags,
        "at": move.at_ms,
        "why": move.why,
        "process": move.process,
    }


def _line(tags: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in tags.items())


def _pair(text: str, typed: str) -> tuple[str, str]:
    """`K=V` as a pair; `typed` is the command before it."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InputError(
            f"--tag {text!r} is not of the form K=V", hint=f"{typed} --tag status=idle"
        )
    return key, value


def _no_ref(name: str) -> NotFound:
    return NotFound(f"no ref is called {name!r}", hint="uwf ref list", code="no_such_ref")
