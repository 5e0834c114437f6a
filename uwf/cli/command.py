"""How a command is declared. One declaration serves the reader in `parse.py` and, through `typer_app.py`, typer.

    @command(
        "thread exec",
        help="Run the next step of a thread.",
        example="uwf thread exec @last --until-done",
        thread=arg("The thread.", complete="thread"),
        count=opt("-c", "--count", help="Run this many steps.", low=1),
        until_done=opt("--until-done", help="Go on until the thread stops."),
    )
    def exec_(ctx: Context, thread: str, *, count: int | None = None, until_done: bool = False) -> int | None:

Parameters before the `*` are arguments, those after it are options; a bool option is a flag. Types are `str`,
`int`, `float`, `bool`, any of them `| None`, and `tuple[str, ...]`: an option that may be repeated, or the last
argument taking all that is left. A parameter with a default may be left out. Only what was given reaches the
function, so the defaults stand in one place: its signature. The result is the exit code; None means 0.

Signatures are read from the code object, because `inspect` costs more than a whole command.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., int | None])

REGISTRY: dict[str, CommandSpec] = {}
"""Every command whose module has been imported, by its words."""


class ParamSpec(Record):
    """What a signature cannot say about one parameter."""

    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    complete: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    is_time: bool = False
    bare: bool = False


def arg(
    help: str, *, metavar: str = "", complete: str = "", choices: tuple[str, ...] = ()
) -> ParamSpec:
    """An argument. `complete` names what a shell may offer here: see `complete.py`."""
    return ParamSpec(help, metavar=metavar, complete=complete, choices=choices)


def opt(
    *flags: str,
    help: str,
    metavar: str = "",
    complete: str = "",
    choices: tuple[str, ...] = (),
    low: float | None = None,
    is_time: bool = False,
    bare: bool = False,
) -> ParamSpec:
    """An option or, on a bool parameter, a flag. `low` is the least number that is accepted.

    A number that `is_time` is one of seconds, and may have its unit, as in `2h`. One that may stand `bare` is "" where
    no value follows: at the end, or before another option.
    """
    return ParamSpec(help, flags, metavar, complete, choices, low, is_time, bare)


THREAD = arg("A ULID, 4+ characters of it, or @last.", complete="thread")
OBJECT = arg("An id or 4+ digits of it, THREAD, THREAD~N or THREAD/role@N.", complete="step")
"""Arguments of many commands."""
HTML = opt(
    "--html",
    metavar="FILE",
    complete="files",
    help="Into this file, as one page for a browser; - for stdout.",
)
VERBOSE = opt("-v", "--verbose", help="With the ids of objects.")
"""An option of what is read more often than copied from."""
NO_PAGER = opt(
    "--no-pager", help="Print it all at once. [default: long texts through $PAGER, or less]"
)
"""Options of those whose answer may be long."""


class Param(Record):
    """One parameter: its declaration joined with its signature. `type` is str, int, float or bool."""

    name: str
    type: str
    many: bool
    required: bool
    default: Any
    spec: ParamSpec

    @property
    def is_option(self) -> bool:
        return bool(self.spec.flags)

    @property
    def is_flag(self) -> bool:
        return self.type == "bool"

    @property
    def metavar(self) -> str:
        if self.spec.metavar or self.spec.choices or self.spec.is_time:
            return self.spec.metavar or "|".join(self.spec.choices) or "DURATION"
        return {"int": "N", "float": "N"}.get(self.type, self.name.upper())

    def convert(self, text: str) -> str | int | float:
        """The value that `text` stands for; ValueError says in words why there is none."""
        value: str | int | float = text
        if self.type == "int":
            digits = text[1:] if text[:1] in "+-" else text
            if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
                raise ValueError(f"{text!r} is not a whole number")
            value = int(text)
        elif self.type == "float":
            digits = text.replace(".", "", 1)
            if self.spec.is_time and digits[-1:].isalpha():
                from uwf.quantities import duration_s

                value = duration_s(text)
            elif digits.isascii() and digits.isdigit() and len(digits) < 19:
                value = float(text)
            else:
                raise ValueError(f"{text!r} is not a number")
        if self.spec.choices and text not in self.spec.choices:
            raise ValueError(f"{text!r} is not one of {', '.join(self.spec.choices)}")
        if self.spec.low is not None and float(value) < self.spec.low:
            unit = " s" if self.spec.is_time else ""
            raise ValueError(f"{text} is less than {self.spec.low}{unit}")
        return value


class CommandSpec:
    """A registered command."""

    def __init__(
        self,
        name: str,
        function: Callable[..., int | None],
        help: str,
        example: str,
        detail: str,
        specs: Mapping[str, ParamSpec],
        times: bool = False,
    ) -> None:
        self.name = name
        self.function = function
        self.help = help
        self.example = example
        self.detail = detail
        self._specs = specs
        self._times = times
        self._params: tuple[Param, ...] | None = None

    @property
    def params(self) -> tuple[Param, ...]:
        """The command's own parameters, in order, and `--utc`; the common options are not among them."""
        if self._params is None:
            self._params = _read_signature(self.function, self._specs) + (UTC,) * self._times
        return self._params

    @property
    def arguments(self) -> tuple[Param, ...]:
        """Those of the parameters that are no options."""
        return tuple(param for param in self.params if not param.is_option)

    def __repr__(self) -> str:
        return f"<uwf {self.name}>"


class Common(Record):
    """The options that every command takes."""

    home: str | None = None
    json: bool = False
    quiet: bool = False
    utc: bool = False


class Call(Record):
    """A command line, understood. `values` holds only what was given."""

    command: CommandSpec
    values: dict[str, Any]
    common: Common

    @classmethod
    def of(cls, command: CommandSpec, given: Mapping[str, Any]) -> Call:
        """What was given, taken apart into what every command takes and its own."""
        own = {name: value for name, value in given.items() if name not in Common._names}
        common = {name: value for name, value in given.items() if name in Common._names}
        return cls(command, own, Common(**common))


COMMON = (
    Param("home", "str", False, False, None, opt(
        "--home", metavar="DIR", complete="folders",
        help="Where store, config and locks are, else UWF_HOME, else ~/.uwf.",
    )),
    Param("json", "bool", False, False, False, opt("--json", help="Print JSON.")),
    Param("quiet", "bool", False, False, False, opt(
        "-q", "--quiet", help="Print only ids, one a line."
    )),
)  # fmt: skip
"""Accepted by every command, after its name or before it."""

UTC = Param("utc", "bool", False, False, False, opt("--utc", help="Times exactly, in UTC."))
"""Accepted by every command that shows a person times."""

HELP = ("-h", "--help")

SHELLS = ("bash", "zsh", "fish")
INSTALL_COMPLETION, SHOW_COMPLETION = "--install-completion", "--show-completion"

ALONE = (
    Param("version", "bool", False, False, False, opt("--version", help="Print the version.")),
    Param("install_completion", "str", False, False, None, opt(
        INSTALL_COMPLETION, choices=SHELLS,
        help="Install completion for this shell, or for the one that is named: bash, zsh or fish.",
    )),
    Param("show_completion", "str", False, False, None, opt(
        SHOW_COMPLETION, choices=SHELLS, help="Print the script that does it.",
    )),
)  # fmt: skip
"""What is asked for without a command. `main.py` answers it before a command line is read."""


def command(
    name: str,
    /,
    *,
    help: str,
    example: str,
    detail: str = "",
    times: bool = False,
    **specs: ParamSpec,
) -> Callable[[F], F]:
    """Register a function as the command `name`. Further lines of help go into `detail`; one that shows a person
    `times` takes `--utc`.
    """

    def register(function: F) -> F:
        REGISTRY[name] = CommandSpec(name, function, help, example, detail, specs, times)
        return function

    return register


def _read_signature(
    function: Callable[..., int | None], specs: Mapping[str, ParamSpec]
) -> tuple[Param, ...]:
    code = function.__code__
    arguments = code.co_varnames[1 : code.co_argcount]
    options = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    positional = function.__defaults__ or ()
    defaults = dict(zip(arguments[len(arguments) - len(positional) :], positional, strict=True))
    defaults.update(function.__kwdefaults__ or {})
    if set(specs) != {*arguments, *options}:
        raise TypeError(f"{function.__qualname__}: declared {sorted(specs)}, takes others")
    params = []
    for name in (*arguments, *options):
        kind, many = _read_annotation(function.__annotations__[name])
        spec = specs[name]
        if (name in options) != bool(spec.flags) or (kind == "bool" and name not in options):
            raise TypeError(f"{function.__qualname__}: {name} is declared as another kind")
        params.append(Param(name, kind, many, name not in defaults, defaults.get(name), spec))
    return tuple(params)


def _read_annotation(annotation: str) -> tuple[str, bool]:
    kind = annotation.removesuffix(" | None")
    if kind == "tuple[str, ...]":
        return "str", True
    if kind not in ("str", "int", "float", "bool"):
        raise TypeError(f"a parameter cannot be of type {annotation!r}")
    return kind, False
