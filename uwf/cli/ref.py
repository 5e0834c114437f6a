"""`uwf ref`: the names that point at objects, by hand."""

from __future__ import annotations

from uwf import clock
from uwf.cli.command import OBJECT, arg, command, opt
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.app.values import RefView
    from uwf.cli.context import Context


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
    found = ctx.app.objects.refs(prefix, wanted)
    rows = ((ref.name, ref.id[:12], str(ref.version), _line(ref.tags)) for ref in found)
    ctx.out.answer(
        found,
        ids=(ref.name for ref in found),
        draw=lambda: ctx.out.table(
            ("name", "id", "version", "tags"), rows, cut=("tags",), spare=("version", "tags")
        ),
    )


@command(
    "ref get",
    help="Print what a ref points to, its version and its tags.",
    example="uwf ref get @uwf/registry/review",
    name=arg("The ref.", complete="ref"),
)
def get(ctx: Context, name: str) -> None:
    _answer(ctx, ctx.app.objects.ref(name))


@command(
    "ref set",
    help="Point a ref at an object, making the ref if there is none.",
    example="uwf ref set @uwf/registry/review 3f2a9c --expect none",
    detail="Tags that are not named stay as they are; --tag K= takes one away. The ref's log keeps where it "
    "pointed before.",
    name=arg("The ref.", complete="ref"),
    id=OBJECT,
    tag=opt("--tag", metavar="K=V", help="Set this tag; may be repeated."),
    expect=opt("--expect", metavar="ID", help="Only if it points there now; none: if it is new."),
)
def set_(
    ctx: Context, name: str, id: str, *, tag: tuple[str, ...] = (), expect: str | None = None
) -> None:
    changes = dict(_pair(text, f"uwf ref set {name} {id}") for text in tag)
    _answer(ctx, ctx.app.objects.set_ref(name, id, changes, expect))


@command(
    "ref delete",
    help="Delete a ref; its log stays.",
    detail="Its objects stay until gc.",
    example="uwf ref delete @uwf/registry/review",
    name=arg("The ref.", complete="ref"),
)
def delete(ctx: Context, name: str) -> None:
    old = ctx.app.objects.delete_ref(name)
    ctx.out.answer({"name": name, "deleted": old}, ids=[name], draw=f"deleted {name}, was {old}")


@command(
    "ref log",
    help="Print every move of a ref, oldest first.",
    detail="Also after it was deleted.",
    example="uwf ref log @uwf/registry/review",
    times=True,
    name=arg("The ref.", complete="ref"),
)
def log(ctx: Context, name: str) -> None:
    moves = ctx.app.objects.ref_log(name)
    rows = ((str(m.version), ctx.times.moment(m.at), (m.old or "")[:12], (m.new or "")[:12], m.why, m.process)
            for m in moves)  # fmt: skip
    ctx.out.answer(
        moves,
        ids=(move.new for move in moves if move.new),
        draw=lambda: ctx.out.table(
            ("version", "at", "old", "new", "why", "process"),
            rows,
            cut=("why",),
            spare=("process", "old", "at"),
        ),
    )


def _answer(ctx: Context, ref: RefView) -> None:
    fields = {
        "name": ref.name,
        "id": ref.id,
        "version": str(ref.version),
        "tags": _line(ref.tags),
        "updated": clock.iso(ref.updated_at),
    }
    ctx.out.answer(ref, ids=[ref.id], draw=lambda: ctx.out.fields(fields))


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
