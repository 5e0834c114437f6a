"""What a shell may offer at a place of the command line. It only reads, and when it cannot, it offers nothing."""

from __future__ import annotations

import os
import string
from typing import TYPE_CHECKING

import typer

from uwf import clock, config
from uwf.cli.command import Common
from uwf.cli.context import Context
from uwf.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.cli.command import Param

Offer = tuple[str, str]
"""A word, and what it means. Typer reads this annotation, so it must exist at run time."""

MAX_OFFERS = 100
MAX_MEANING = 50

_IN_A_WORD = frozenset(string.ascii_letters + string.digits + "_./@~-+:=")
_IN_A_MEANING = _IN_A_WORD | frozenset(" ,")
"""Names of files and refs are written by strangers, and scripts of shells may evaluate what they are offered: typer's
one for zsh does. So what is not surely a plain word is not offered at all."""


def completer(param: Param) -> Callable[..., list[Offer]] | None:
    """What typer calls for the words that fit `param`; None leaves it to the shell, which offers files."""
    find = _FINDERS.get(param.spec.complete)
    if find is None and not param.spec.choices:
        return None

    def offer(ctx: typer.Context, incomplete: str) -> list[Offer]:
        offers = []
        try:
            for word, meaning in (
                find(_context(ctx)) if find else ((c, "") for c in param.spec.choices)
            ):
                if word.startswith(incomplete) and is_harmless(word):
                    offers.append((word, harmless(meaning)))
                if len(offers) == MAX_OFFERS:
                    break
        except Exception:  # a shell prompt is no place for an error: the command itself will tell
            if config.is_debugging():
                raise
        return offers

    return offer


def is_harmless(word: str) -> bool:
    """Whether no shell reads more than a word in `word`, quoted or not, evaluated or not, nor a command an option."""
    return bool(word) and set(word) <= _IN_A_WORD and word[0] not in "-~=+"


def harmless(text: str) -> str:
    """`text` on one short line, and of it only what no shell and no terminal reads as anything else."""
    kept = "".join(char if char in _IN_A_MEANING else " " for char in text[: 4 * MAX_MEANING])
    line = " ".join(kept.split())
    return line if len(line) <= MAX_MEANING else f"{line[: MAX_MEANING - 3]}..."


def _context(ctx: typer.Context) -> Context:
    home = ctx.params.get("home") or ctx.find_root().params.get("home")
    return Context(Common(home=home), Output())


def _threads(context: Context) -> Iterator[Offer]:
    yield "@last", "the newest thread"
    for ref in context.reader().refs("@uwf/thread/", newest_first=True, limit=MAX_OFFERS):
        begun = clock.iso(clock.ulid_ms(ref.name.rpartition("/")[2]))
        yield ref.name.rpartition("/")[2], f"{ref.tags.get('status', '')}, begun {begun}"


def _workflows(context: Context) -> Iterator[Offer]:
    for folder in (".workflows", ".workflow"):
        if os.path.isdir(folder):
            for entry in sorted(os.listdir(folder)):
                yield entry.removesuffix(".yaml").removesuffix(".yml"), "in this project"
    for ref in context.reader().refs("@uwf/registry/"):
        yield ref.name.rpartition("/")[2], "registered"


def _agents(context: Context) -> Iterator[Offer]:
    for name, agent in context.config.agents.items():
        yield name, " ".join(agent.command)


def _refs(context: Context) -> Iterator[Offer]:
    for ref in context.reader().refs():
        yield ref.name, ref.id[:12]


def _keys(context: Context) -> Iterator[Offer]:
    from uwf.config import edit

    for setting in edit.settings(context.home):
        yield setting.key, "" if setting.is_secret or setting.value is None else str(setting.value)


_FINDERS: dict[str, Callable[[Context], Iterator[Offer]]] = {
    "thread": _threads,
    "workflow": _workflows,
    "agent": _agents,
    "ref": _refs,
    "key": _keys,
}
"""What `complete=` of a declaration may say. Anything else is left to the shell."""
