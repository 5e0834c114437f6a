"""`uwf cas`: the object store by hand."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import OBJECT, arg, command, opt
from uwf.display import numbers
from uwf.errors import NotFound
from uwf.jsontext import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "cas put",
    help="Store an object and print its id.",
    example="uwf cas put notes.md",
    detail="Without --kind the file is stored as it is: UTF-8 as an object of kind text, other bytes as kind "
    'blob. With --kind the file is JSON, in which {"$ref": ID} stands for a link to another object and '
    '{"$bytes": BASE64} for bytes. Storing the same again gives the same id.',
    file=arg("The file, or - for stdin.", complete="files"),
    kind=opt("--kind", help="Store the JSON in the file as an object of this kind."),
)
def put(ctx: Context, file: str, *, kind: str | None = None) -> None:
    from uwf.cli.line import arguments as text

    data = text.read_bytes(file)
    if kind is None:
        stored = ctx.app.objects.put(data)
    else:
        name = text.name_of(file)
        stored = ctx.app.objects.put_json(kind, text.decode(data, name), name)
    ctx.out.answer(
        {"id": stored.id, "kind": stored.kind, "bytes": stored.size_bytes},
        ids=[stored.id],
        draw=stored.id,
    )


@command(
    "cas get",
    help="Print an object.",
    example="uwf cas get @last",
    detail="Text and bytes are printed exactly, anything else as JSON. --json gives id, kind and payload.",
    id=OBJECT,
)
def get(ctx: Context, id: str) -> None:
    from uwf import jsontext

    found = ctx.app.objects.get(id)
    content, payload = found.payload, found.as_json()

    def draw() -> None:
        if isinstance(content, bytes) and not ctx.out.on_terminal:
            ctx.out.data(content)
        elif isinstance(content, str):
            ctx.out.write(content)
        else:
            ctx.out.text(jsontext.dumps(payload, indent=True))

    ctx.out.answer(
        {"id": found.id, "kind": found.kind, "payload": payload}, ids=[found.id], draw=draw
    )


@command(
    "cas has",
    help="Say whether an object is there: exit 0 if so, 4 if not.",
    example="uwf cas has @last",
    id=OBJECT,
)
def has(ctx: Context, id: str) -> int:
    try:
        whole = ctx.app.objects.id_of(id)
    except NotFound:
        ctx.out.answer({"id": id, "has": False}, draw="no")
        return exits.NOT_FOUND
    ctx.out.answer({"id": whole, "has": True}, ids=[whole], draw="yes")
    return exits.DONE


@command(
    "cas refs",
    help="Print the ids that an object links to.",
    example="uwf cas refs @last",
    id=OBJECT,
)
def refs(ctx: Context, id: str) -> None:
    found = ctx.app.objects.links(id)
    ctx.out.answer(found, ids=found, draw="\n".join(found))


@command(
    "cas walk",
    help="Print every object that an object reaches, nearest first.",
    example="uwf cas walk @last --json",
    detail="With --json: one line each. Objects that are missing or damaged are named, and the exit code is 1.",
    id=OBJECT,
)
def walk(ctx: Context, id: str) -> int:
    from uwf.app.objects import Unreached

    code = exits.DONE
    for each in ctx.app.objects.walk(id):
        if isinstance(each, Unreached):
            ctx.out.warning(each.why)
            code = exits.FAULT
            continue
        ctx.out.line(each, id=each.id, draw=f"{each.id}  {each.depth:>6}  {each.kind}")
    return code


@command(
    "cas stat",
    help="Print how many objects there are and what they take.",
    example="uwf cas stat",
    id=OBJECT,
)
def stat(ctx: Context, id: str | None = None) -> None:
    found = ctx.app.objects.figures() if id is None else ctx.app.objects.size(id)
    shown = {
        name: numbers.size(value) if name.endswith("ytes") else str(value)
        for name, value in document(found).items()
    }
    ctx.out.answer(
        found, ids=[shown["id"]] if "id" in shown else [], draw=lambda: ctx.out.fields(shown)
    )
