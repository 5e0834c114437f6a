"""The pages of `--help`: of uwf itself, of a group, of a command. Made from the declarations alone, so that help is
there at once; a test holds each page at 40 lines of 80 columns.
"""

from __future__ import annotations

from textwrap import wrap

from uwf.cli import index
from uwf.cli.command import INSTALL_COMPLETION
from uwf.quantities import TIME, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.cli.command import CommandSpec, Param
    from uwf.cli.line.parse import CommandLine

WIDEST = 100
"""Longer lines are hard to read, however wide the terminal is."""
NARROWEST = 40

_INDENT = "  "
_WIDEST_NAME = 22
"""What is longer stands on a line of its own."""

_ALONE = f"Each has --help with an example. Also: --version, {INSTALL_COMPLETION}."
_OF_EVERY = "As every command: --json, -q (ids alone), --home DIR (else UWF_HOME, else ~/.uwf)."


def page(line: CommandLine, columns: int) -> list[tuple[str, str]]:
    """The page for as far as `line` goes: parts, each a title (or "") and its text, which fits into the columns."""
    width = max(NARROWEST, min(WIDEST, columns))
    if line.command is not None:
        return _of_command(line.command, width)
    if line.group:
        return _of_group(line.group, width)
    return _of_all(width)


def _of_all(width: int) -> list[tuple[str, str]]:
    parts = [("", "Run teams of agents as durable threads.\n\nUsage: uwf COMMAND [OPTIONS]\n")]
    widest = max(len(name) for rows in index.SECTIONS.values() for name in rows)
    for title, rows in index.SECTIONS.items():
        listed = [(name, about or index.about(name)) for name, about in rows.items()]
        parts.append((title, _rows(listed, width, widest)))
    return [*parts, ("", _prose(_ALONE, width))]


def _of_group(group: str, width: int) -> list[tuple[str, str]]:
    rows = [(name.rpartition(" ")[2], index.load(name).help) for name in index.in_group(group)]
    example = index.load(index.in_group(group)[0]).example
    return [
        ("", f"{_prose(index.GROUPS[group], width)}\n\nUsage: uwf {group} COMMAND [OPTIONS]\n"),
        ("Commands", _rows(rows, width)),
        ("Example", f"{_INDENT}{example}"),
    ]


def _of_command(command: CommandSpec, width: int) -> list[tuple[str, str]]:
    options = [param for param in command.params if param.is_option]
    usage = [f"uwf {command.name}", *map(_in_usage, command.arguments), "[OPTIONS]"]
    parts = [("", f"{_prose(command.help, width)}\n\nUsage: {' '.join(usage)}\n")]
    if command.detail:
        parts.append(("", f"{_prose(command.detail, width)}\n"))
    names = [(param.metavar, _about(param)) for param in command.arguments]
    flags = [(_flags(param), _about(param)) for param in options]
    widest = max((len(name) for name, _ in names + flags if len(name) <= _WIDEST_NAME), default=0)
    if names:
        parts.append(("Arguments", _rows(names, width, widest)))
    if flags:
        parts.append(("Options", _rows(flags, width, widest)))
    parts.append(("", _prose(_OF_EVERY, width)))
    return [*parts, ("Example", f"{_INDENT}{command.example}")]


def _in_usage(param: Param) -> str:
    shown = f"{param.metavar}..." if param.many else param.metavar
    return shown if param.required else f"[{shown}]"


def _flags(param: Param) -> str:
    flags = ", ".join(param.spec.flags)
    return flags if param.is_flag else f"{flags} {param.metavar}"


def _about(param: Param) -> str:
    default = param.default
    if default in (None, False, (), ""):
        return param.spec.help
    shown = written(TIME, default) if param.spec.is_time else default
    return f"{param.spec.help} [default: {shown}]"


def _rows(rows: list[tuple[str, str]], width: int, widest: int = 0) -> str:
    """Names with what they mean beside them; `widest` is the longest name beside which that stands."""
    widest = widest or max(len(name) for name, _ in rows)
    indent = " " * (len(_INDENT) + widest + 2)
    return "\n".join(line for row in rows for line in _row(*row, indent, width))


def _row(name: str, about: str, indent: str, width: int) -> Iterable[str]:
    first, *more = wrap(about, width - len(indent), break_on_hyphens=False)
    begun = f"{_INDENT}{name}"
    if len(begun) + 2 > len(indent):
        yield begun
        begun = ""
    yield begun.ljust(len(indent)) + first
    yield from (indent + line for line in more)


def _prose(text: str, width: int) -> str:
    return "\n".join(wrap(text, width, break_on_hyphens=False))
