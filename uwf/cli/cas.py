"""`uwf cas`: the object store by hand."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import arg, command, opt
from uwf.errors import NotFound, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context
    from uwf.store.protocols import Store

ID_FORMS = "An id or 4+ digits of it, THREAD, THREAD~N or THREAD/role@N."


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
    from uwf.cli import payload_json
    from uwf.cli import text_arg as text
    from uwf.store import codec

    data = text.read_bytes(file)
    if kind is not None:
        name = text.name_of(file)
        payload = payload_json.from_json(text.decode(data, name), name)
    else:
        try:
            kind, payload = "text", data.decode()
        except UnicodeDecodeError:
            kind, payload = "blob", data
    encoded = codec.encode(kind, payload)
    store = ctx.store(create=True)
    for link in codec.links(payload):
        if not store.has(link):
            raise NotFound(f"{file} links to {link}, which is not in the store")
    with store.transaction() as tx:
        id = tx.put_raw(encoded)
    ctx.out.answer({"id": id, "kind": kind, "bytes": len(encoded)}, ids=[id], draw=id)


@command(
    "cas get",
    help="Print an object.",
    example="uwf cas get @last",
    detail="Text and bytes are printed exactly, anything else as JSON. --json gives id, kind and payload.",
    id=arg(ID_FORMS, complete="step"),
)
def get(ctx: Context, id: str) -> None:
    from uwf.cli import jsontext, payload_json

    store = ctx.reader()
    whole = _find(store, id)
    node = store.get(whole)
    payload = payload_json.to_json(node.payload)

    def draw() -> None:
        if isinstance(node.payload, bytes) and not ctx.out.on_terminal:
            ctx.out.data(node.payload)
        elif isinstance(node.payload, str):
            ctx.out.write(node.payload)
        else:
            ctx.out.text(jsontext.dumps(payload, indent=True))

    ctx.out.answer({"id": whole, "kind": node.kind, "payload": payload}, ids=[whole], draw=draw)


@command(
    "cas has",
    help="Say whether an object is there: exit code 0 if it is, 4 if not.",
    example="uwf cas has @last",
    id=arg(ID_FORMS, complete="step"),
)
def has(ctx: Context, id: str) -> int:
    try:
        whole = _find(ctx.reader(), id)
    except NotFound:
        ctx.out.answer({"id": id, "has": False}, draw="no")
        return exits.NOT_FOUND
    ctx.out.answer({"id": whole, "has": True}, ids=[whole], draw="yes")
    return exits.DONE


@command(
    "cas refs",
    help="Print the ids that an object links to.",
    example="uwf cas refs @last",
    id=arg(ID_FORMS, complete="step"),
)
def refs(ctx: Context, id: str) -> None:
    from uwf.store.walk import links_of

    store = ctx.reader()
    found = list(dict.fromkeys(links_of(store, _find(store, id))))
    ctx.out.answer(found, ids=found, draw="\n".join(found))


@command(
    "cas walk",
    help="Print every object that an object reaches, each once, nearest first.",
    example="uwf cas walk @last --json",
    detail="With --json: one line each. Objects that are missing or damaged are named, and the exit code is 1.",
    id=arg(ID_FORMS, complete="step"),
)
def walk(ctx: Context, id: str) -> int:
    from uwf.store.codec import links

    store = ctx.reader()
    root = _find(store, id)
    code, depth, level, seen = exits.DONE, 0, [root], {root}
    while level:
        below: list[str] = []
        for each in level:
            try:
                node = store.get(each)
            except (NotFound, UwfError) as error:
                if exits.exit_code(error) != exits.FAULT:
                    raise
                ctx.out.warning(error.message)
                code = exits.FAULT
                continue
            line = {"id": each, "kind": node.kind, "depth": depth}
            ctx.out.line(line, id=each, draw=f"{each}  {depth:>6}  {node.kind}")
            for link in links(node.payload):
                if link not in seen:
                    seen.add(link)
                    below.append(str(link))
        level, depth = below, depth + 1
    return code


@command(
    "cas stat",
    help="Print how many objects there are and the room they take, or the size of one.",
    example="uwf cas stat",
    id=arg(ID_FORMS, complete="step"),
)
def stat(ctx: Context, id: str | None = None) -> None:
    store = ctx.reader()
    if id is None:
        total = store.stats()
        document: dict[str, object] = {
            "objects": total.objects,
            "bytes": total.size_bytes,
            "storedBytes": total.stored_bytes,
        }
        ids = []
    else:
        whole = _find(store, id)
        node, size = store.get(whole), len(store.raw(whole))
        document = {"id": whole, "kind": node.kind, "bytes": size}
        document["storedBytes"] = store.stored_bytes(whole)
        ids = [whole]
    shown = {name: str(value) for name, value in document.items()}
    ctx.out.answer(document, ids=ids, draw=lambda: ctx.out.fields(shown))


def _find(store: Store, text: str) -> str:
    from uwf.engine.query import resolve

    return resolve.object_id(store, text)
