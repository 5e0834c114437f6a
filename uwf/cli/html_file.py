"""Where a page for a browser goes: into a file, or to stdout for `-`."""

from __future__ import annotations

from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.cli.context import Context


def answer(
    ctx: Context, file: str, page: str, subject: dict[str, Any], ids: list[str], *, typed: str
) -> None:
    """Write `page` and say where it is. `subject` is what it is about, in the words of JSON, `typed` the command."""
    if file == "-":
        ctx.out.answer({**subject, "html": page}, ids=ids, draw=page)
        return
    from uwf.display import numbers

    try:
        size = ctx.app.save(file, page)
    except InputError as error:
        hint = f"{typed} --html ./page.html"
        raise InputError(error.message, hint=hint, code=error.code) from error
    ctx.out.answer(
        {**subject, "file": file, "bytes": size}, ids=ids, draw=f"{file}  {numbers.size(size)}"
    )
