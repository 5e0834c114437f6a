"""`uwf config`: the settings of `$UWF_HOME/config.toml`."""

from __future__ import annotations

import os

from uwf import home as paths
from uwf.cli.command import arg, command
from uwf.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context
    from uwf.config.edit import Setting
    from uwf.settings import Path

HIDDEN = "[redacted]"


@command(
    "config list",
    help="Print every setting and its value, set or default, or those of one table.",
    example="uwf config list",
    detail="Values whose names say that they are secrets are not shown.",
    table=arg("Only what stands below it, such as limits or agents.NAME.", complete="key"),
)
def list_(ctx: Context, table: str | None = None) -> None:
    from uwf.config import edit, keys

    found = edit.settings(ctx.home)
    if table is not None:
        path = keys.split(table)
        found = [each for each in found if keys.split(each.key)[: len(path)] == path]
        if not found and not keys.is_table(path):
            raise _unknown(path, "list")
    shown = _shown(found)
    rows = [(each.key, _text(shown[each.key]), _source(each)) for each in found]
    columns = ("key", "value", "source")
    ctx.out.answer(
        shown,
        ids=shown,
        draw=lambda: (
            ctx.out.table(columns, rows, cut=("value",), spare=("source",)) if rows else None
        ),
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
    from uwf.config import edit, keys

    path = keys.split(key)
    found = edit.settings(ctx.home)
    below = [each for each in found if keys.split(each.key)[: len(path)] == path]
    name = keys.dotted(path)
    if not below and keys.is_table(path):
        raise ConfigInvalid(
            f"nothing is set below {name}", hint=f"uwf config list {keys.dotted(path[:1])}"
        )
    if not below and keys.find(path) is not None:
        raise ConfigInvalid(f"{name} is not set", hint=f"uwf config set {name} VALUE")
    if not below:
        raise _unknown(path, "get")
    if below[0].key == keys.dotted(path):
        value = below[0].value
        ctx.out.answer({"key": below[0].key, "value": value}, ids=[_text(value)], draw=_text(value))
        return
    values = _shown(below)
    text = "".join(f"{name} = {_text(value)}\n" for name, value in values.items())
    ctx.out.answer(values, ids=values, draw=text)


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
    from uwf.config import edit, keys

    path = keys.split(key)
    if keys.is_table(path):
        name = keys.dotted(path)
        raise ConfigInvalid(f"{name} is a table, not a value", hint=f"uwf config list {name}")
    if keys.find(path) is None:
        raise _unknown(path, "set", value)
    edit.set_value(ctx.home, key, value)
    get(ctx, keys.dotted(path))


@command(
    "config path",
    help="Print where the configuration file is, or would be.",
    example="uwf config path",
)
def path_(ctx: Context) -> None:
    path = paths.config_file(ctx.home)
    ctx.out.answer({"path": path, "exists": os.path.exists(path)}, ids=[path], draw=path)


def _unknown(path: Path, verb: str, *more: str) -> ConfigInvalid:
    """The error for a key that is not known; its hint is the command again with the one that was meant."""
    import shlex

    from uwf.config import keys

    error, meant = keys.unknown(path), keys.nearest(path)
    if meant is not None:
        error.hint = shlex.join(("uwf", "config", verb, meant, *more))
    return error


def _shown(settings: list[Setting]) -> dict[str, object]:
    """Several settings by key, without their secrets."""
    return {each.key: HIDDEN if each.is_secret else each.value for each in settings}


def _source(setting: Setting) -> str:
    return "config.toml" if setting.in_file else "default"


def _text(value: object) -> str:
    """A value as `config set` takes it."""
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
