"""`uwf config`: the settings of `$UWF_HOME/config.toml`."""

from __future__ import annotations

import os

from uwf.cli.command import arg, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Setting
    from uwf.cli.context import Context

HIDDEN = "[redacted]"


@command(
    "config list",
    help="Print every setting and its value, or those of one table.",
    example="uwf config list",
    detail="Values whose names say that they are secrets are not shown.",
    table=arg("Only what stands below it, such as limits or agents.NAME.", complete="key"),
)
def list_(ctx: Context, table: str | None = None) -> None:
    found = ctx.app.settings.all(table)
    shown = _shown(found)
    rows = [(each.key, _text(shown[each.key]), _source(each)) for each in found]
    columns = ("key", "value", "source")
    ctx.out.answer(
        shown,
        ids=shown,
        draw=lambda: ctx.out.table(columns, rows, cut=("value",), spare=("source",)),
    )
    if not rows:
        ctx.out.note(f"nothing is set below {table}")


@command(
    "config get",
    help="Print one setting, or all settings below a table.",
    example="uwf config get limits.max_steps",
    detail="A value whose name says that it is a secret is shown only for its own key.",
    key=arg("The key, such as limits.grace or agents.NAME.", complete="key"),
)
def get(ctx: Context, key: str) -> None:
    found = ctx.app.settings.get(key)
    if isinstance(found, list):
        values = _shown(found)
        text = "".join(f"{name} = {_text(value)}\n" for name, value in values.items())
        ctx.out.answer(values, ids=values, draw=text)
        return
    if found.variable is not None:
        ctx.out.note(f"{found.variable} says so, which goes before config.toml")
    text = _text(found.value)
    ctx.out.answer({"key": found.key, "value": found.value}, ids=[text], draw=text)


@command(
    "config set",
    help="Change one setting, keeping the file's comments.",
    example="uwf config set agents.reviewer.command 'python3 reviewer.py'",
    detail="Durations read 90s, 30m or 1h30m, sizes 64KiB or 8MiB. A list is written a,b or, for words that "
    'hold a comma, as TOML writes it: ["a", "b"].',
    key=arg("The key.", complete="key"),
    value=arg("Its new value."),
)
def set_(ctx: Context, key: str, value: str) -> None:
    get(ctx, ctx.app.settings.set(key, value))


@command(
    "config unset",
    help="Take a setting out of the file: its default counts again.",
    example="uwf config unset agents.reviewer",
    key=arg("The key, such as limits.grace or agents.NAME.", complete="key"),
)
def unset(ctx: Context, key: str) -> None:
    name = ctx.app.settings.unset(key)
    left = ctx.app.settings.all(name)
    value = left[0].value if left and left[0].key == name else None
    ctx.out.answer({"key": name, "value": value}, ids=[name], draw=f"{name} is not set any more")


@command(
    "config path",
    help="Print where the configuration file is, or would be.",
    example="uwf config path",
)
def path_(ctx: Context) -> None:
    path = ctx.app.config_path
    ctx.out.answer({"path": path, "exists": os.path.exists(path)}, ids=[path], draw=path)


def _shown(settings: list[Setting]) -> dict[str, object]:
    """Several settings by key, without their secrets."""
    return {each.key: HIDDEN if each.is_secret else each.value for each in settings}


def _source(setting: Setting) -> str:
    return setting.variable or ("config.toml" if setting.in_file else "default")


def _text(value: object) -> str:
    """A value as `config set` takes it."""
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
