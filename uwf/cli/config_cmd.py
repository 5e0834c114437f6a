"""`uwf config`."""

from __future__ import annotations

from uwf import config
from uwf.cli.command import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "config path",
    help="Print where the configuration file is, or would be.",
    example="uwf config path",
)
def path_(ctx: Context) -> None:
    path = config.file_path(ctx.home)
    ctx.out.answer({"path": path}, ids=[path], draw=path)
