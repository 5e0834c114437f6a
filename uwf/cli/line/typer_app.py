"""The typer application: usage errors, and every command line that `parse.py` did not understand.

It is made from the same declarations, and only for the groups that the command line names. Its commands do not
run anything: they answer with the `Call` they understood, as `parse.py` does.
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command

from uwf.cli import index
from uwf.cli.command import ALONE, COMMON, Call, CommandSpec, Param
from uwf.errors import InputError
from uwf.record import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAM = "uwf"


def understand(words: Sequence[str]) -> Call:
    """The call that `words` ask for.

    InputError (code `usage`) says what is wrong with them, with the nearest right word as hint.
    """
    words = list(words)
    application = get_command(build(words))
    try:
        call = application.main(_with_bare(words), prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        raise _usage_error(error, words) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    assert isinstance(call, Call)
    return call


def _with_bare(words: list[str]) -> list[str]:
    """The words, with an empty value for each option that stands without one and may."""
    bare = {
        flag
        for first, second in pairwise(words)
        if f"{first} {second}" in index.MODULES
        for param in index.load(f"{first} {second}").params
        if param.spec.bare
        for flag in param.spec.flags
    }
    end = words.index("--") if "--" in words else len(words)
    nexts = [*words[1:], "--"]
    return [
        f"{word}=" if word in bare and n < end and after[:1] == "-" and after != "-" else word
        for n, (word, after) in enumerate(zip(words, nexts, strict=True))
    ]


def build(words: Sequence[str]) -> typer.Typer:
    """The application, with the commands of the groups that `words` could mean."""
    root = typer.Typer(
        pretty_exceptions_enable=False,
        suggest_commands=False,
        add_completion=False,
        context_settings=_SETTINGS,
    )
    root.callback()(_root_callback())
    for name in index.in_group(""):
        _add(root, index.load(name))
    for group in index.GROUPS:
        branch = typer.Typer(suggest_commands=False)
        for name in index.in_group(group) if group in words else ():
            _add(branch, index.load(name))
        root.add_typer(branch, name=group, context_settings=_SETTINGS)
    return root


_SETTINGS: dict[str, Any] = {"help_option_names": []}
"""Help is asked of `help_page.py`."""


def _add(branch: typer.Typer, command: CommandSpec) -> None:
    name = command.name.rpartition(" ")[2]
    branch.command(name, context_settings=_SETTINGS)(_reader(command))


def _reader(command: CommandSpec) -> Callable[..., Call]:
    """A function with typer's kind of signature that answers with the Call."""

    def read(*, typer_context: typer.Context, **given: Any) -> Call:
        path = f"{PROGRAM} {command.name}"
        found = _given((*command.params, *COMMON), given, path)
        return Call.of(command, {**typer_context.find_root().obj, **found})

    _sign(read, (*command.params, *COMMON))
    return read


def _root_callback() -> Callable[..., None]:
    def read(*, typer_context: typer.Context, **given: Any) -> None:
        for param in _FLAGS_ALONE:
            if given.pop(param.name):
                flag = param.spec.flags[0]
                raise InputError(f"{flag} stands alone", hint=f"{PROGRAM} {flag}", code="usage")
        typer_context.obj = _given(COMMON, given, PROGRAM)

    _sign(read, (*COMMON, *_FLAGS_ALONE))
    return read


_FLAGS_ALONE = tuple(replace(param, type="bool") for param in ALONE)
"""Typer meets them only beside other words, where each is an error whether a shell is named or not."""


def _given(params: Sequence[Param], values: dict[str, Any], path: str) -> dict[str, Any]:
    """Those of `values` that were on the command line, converted. `path` is how a complaint begins."""
    found: dict[str, Any] = {}
    for param in params:
        value = values[param.name]
        if value is None or value is False or value == []:
            continue
        try:
            if param.many:
                found[param.name] = tuple(param.convert(text) for text in value)
            else:
                found[param.name] = True if param.is_flag else param.convert(value)
        except ValueError as error:
            what = param.spec.flags[-1] if param.is_option else param.metavar
            raise _usage(f"{path}: {what}: {error}", path) from None
    return found


def _sign(function: Callable[..., object], params: Sequence[Param]) -> None:
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("typer_context", keyword, annotation=typer.Context)
    signature = [context]
    for param in params:
        default = inspect.Parameter.empty if param.required else False if param.is_flag else None
        signature.append(
            inspect.Parameter(param.name, keyword, default=default, annotation=_annotation(param))
        )
    function.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in signature}


def _annotation(param: Param) -> Any:
    spec = param.spec
    kind: Any = bool if param.is_flag else list[str] if param.many else str
    if not param.required and not param.is_flag:
        kind = kind | None
    if param.is_flag:
        return Annotated[kind, typer.Option(*spec.flags)]
    if param.is_option:
        return Annotated[kind, typer.Option(*spec.flags, metavar=param.metavar)]
    return Annotated[kind, typer.Argument(metavar=param.metavar)]


def _usage(message: str, path: str, nearest: str | None = None) -> InputError:
    return InputError(message, hint=nearest or f"{path} --help", code="usage")


def _usage_error(error: typer.TyperException, words: Sequence[str]) -> InputError:
    """Typer's complaint in our words."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else _path(words)
    message = error.format_message().rstrip(".")
    meant = None
    if type(error).__name__ == "NoSuchOption" and context is not None:
        wrong = getattr(error, "option_name", "")
        known = [flag for param in context.command.params for flag in param.opts]
        meant = _nearest(wrong, known, path)
        message = f"no such option {wrong}"
    elif message.startswith("No such command") and context is not None:
        wrong = next((word for word in words if repr(word) in message), "")
        if path == PROGRAM:
            meant = _without_group(words, wrong)
        meant = meant or _nearest(wrong, list(context.command.commands), path)
        message = f"no such command {wrong!r}"
    return _usage(f"{path}: {message[:1].lower()}{message[1:]}", path, meant)


def _without_group(words: Sequence[str], wrong: str) -> str | None:
    """What is meant by `uwf start …`: the same command line with its group. None when there is none."""
    if wrong == "version":
        return f"{PROGRAM} --version"
    name = {"run": "exec"}.get(wrong, wrong)
    if f"thread {name}" not in index.MODULES:
        return None
    import shlex

    at = words.index(wrong)
    return shlex.join([PROGRAM, *words[:at], "thread", name, *words[at + 1 :]])


def _nearest(wrong: str, known: Sequence[str], path: str) -> str | None:
    """The one of `known` that was mistyped: it begins so, or differs by a letter or two. Nothing far-fetched."""
    word = wrong.lstrip("-")
    names = {name.lstrip("-"): name for name in known if name.startswith("--") or name[:1] != "-"}
    begun = [name for name in names if len(word) > 1 and name.startswith(word)]
    alike = [name for name in names if abs(len(name) - len(word)) <= 1]
    meant = begun if len(begun) == 1 else get_close_matches(word, alike, n=1, cutoff=0.65)
    return f"{path} {names[meant[0]]}" if meant else None


def _path(words: Sequence[str]) -> str:
    """The command that `words` seem to name, as it would be typed."""
    for first, second in pairwise(words):
        if f"{first} {second}" in index.MODULES:
            return f"{PROGRAM} {first} {second}"
    return PROGRAM
