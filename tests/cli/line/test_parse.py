"""The reader of a command line, and typer, which understands what it understands in the same way."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from uwf.cli import index
from uwf.cli.command import COMMON, REGISTRY, Common, Param, arg, command, opt
from uwf.cli.context import Context
from uwf.cli.line import typer_app
from uwf.cli.line.parse import parse
from uwf.errors import InputError

SPECIMEN = "cas specimen"


@pytest.fixture(autouse=True, scope="module")
def specimen() -> Iterator[None]:
    """A command with one parameter of every kind, so that the law covers kinds that no command has yet."""

    @command(
        SPECIMEN,
        help="Has everything.",
        example="uwf cas specimen x --why w",
        first=arg("First."),
        second=arg("Second.", choices=("red", "green")),
        rest=arg("Rest."),
        count=opt("-c", "--count", help="Count.", low=1),
        wait=opt("--wait", help="Wait."),
        label=opt("-l", "--label", help="Label."),
        form=opt("--format", help="Form.", choices=("dot", "svg")),
        force=opt("-f", "--force", help="Force."),
        why=opt("--why", help="Why."),
        tree=opt("--tree", help="Tree.", bare=True),
    )
    def run(
        ctx: Context,
        first: str,
        second: str = "red",
        rest: tuple[str, ...] = (),
        *,
        why: str,
        count: int = 3,
        wait: float | None = None,
        label: tuple[str, ...] = (),
        form: str = "dot",
        force: bool = False,
        tree: str | None = None,
    ) -> int | None:
        return None

    index.MODULES[SPECIMEN] = "command"
    yield
    del index.MODULES[SPECIMEN], REGISTRY[SPECIMEN]


def flags_of(params: tuple[Param, ...]) -> list[str]:
    return [flag for param in params for flag in param.spec.flags]


def good_value(param: Param) -> str:
    return (
        param.spec.choices[0]
        if param.spec.choices
        else "2"
        if param.type in ("int", "float")
        else "a=b"
    )


def full_lines(name: str) -> list[list[str]]:
    """The command with everything it takes, each option written in each of its ways."""
    params = (*index.load(name).params, *COMMON)
    arguments = [good_value(param) for param in params if not param.is_option]
    apart, joined = [], []
    for param in params:
        for flag in param.spec.flags:
            value = "" if param.is_flag else good_value(param)
            apart += [flag, value] if value else [flag]
            joined.append(f"{flag}={value}" if value and flag[:2] == "--" else flag + value)
    return [
        [*name.split(), *arguments, *apart],
        [*name.split(), *joined, *arguments],
        ["--json", "-q", "--home=/x", *name.split(), *apart, "--", *arguments],
    ]


@pytest.mark.parametrize("name", [SPECIMEN, *index.MODULES])
def test_typer_understands_every_command_alike(name: str) -> None:
    words = shlex.split(re.split(r" [>|] ", index.load(name).example)[0])[1:]
    for line in (words, *full_lines(name)):
        call = parse(line)
        assert call is not None, line
        assert typer_app.understand(line) == call


@pytest.mark.parametrize(
    "line",
    [
        "a green b c --why --json -lk -l m -- -f",
        "a --why= --home /b -q -c 12",
        "a --why w --why v --home /a --home=/b",
        "- --why -",
        "a --why w --wait .5 --count +2 -c007",
        "a --why w --tree",
        "a --tree --why w",
        "--tree b a --why w --tree=",
        "a --tree - --why w --tree -f",
        "--why w --tree -- --tree",
    ],
)
def test_typer_understands_every_kind_of_word_alike(line: str) -> None:
    words = ["--home", "/c", *SPECIMEN.split(), *line.split()]
    assert typer_app.understand(words) == parse(words) is not None


@pytest.mark.parametrize(
    ("line", "values", "common"),
    [
        ("x --why w", {"first": "x", "why": "w"}, Common()),
        ("--why=w -c3 x --json", {"first": "x", "why": "w", "count": 3}, Common(json=True)),
        ("x green y z -f --why w", {"rest": ("y", "z"), "force": True}, Common()),
        ("-l a --label=b x --why w -q", {"label": ("a", "b")}, Common(quiet=True)),
        ("x --why w --tree", {"first": "x", "tree": ""}, Common()),
        ("--tree b x --why w", {"first": "x", "tree": "b"}, Common()),
        ("x --tree -f --why w", {"tree": "", "force": True}, Common()),
        ("--why w --wait 1.5 -- -x", {"first": "-x", "wait": 1.5}, Common()),
    ],
)
def test_well_formed_lines_are_accepted(line: str, values: object, common: Common) -> None:
    call = parse(SPECIMEN.split() + line.split())
    assert call is not None
    assert call.values.items() >= dict(values).items()  # type: ignore[call-overload]
    assert call.common == common


@pytest.mark.parametrize(
    "line",
    "x; --why w; x --why; x blue --why w; x --why w -c 0; x --why w -c many; x --why w -fz;"
    "x --why w --wait nan; x --why w --help; x --why w --cuont 3; x --why w --force=1".split(";"),
)
def test_what_is_not_well_formed_is_left_to_typer(line: str) -> None:
    assert parse(SPECIMEN.split() + line.split()) is None


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("cas specimne", "uwf cas: no such command 'specimne'", "uwf cas specimen"),
        ("csa specimen", "uwf: no such command 'csa'", "uwf cas"),
        ("cas specimen x --cuont 3", "no such option --cuont", "uwf cas specimen --count"),
        ("cas specimen x --why w -c 0", "--count: 0 is less than 1", "uwf cas specimen --help"),
        ("worker run --poll 0", "--poll: 0 is less than 0.1 s", "uwf worker run --help"),
        ("worker run --poll 50ms", "--poll: 50ms is less than 0.1 s", "uwf worker run --help"),
        ("cas specimen x blue --why w", "'blue' is not one of red, green", "--help"),
        ("cas specimen x --why", "uwf cas specimen: option '--why' requires", "--help"),
        ("--home ref cas specimne", "uwf cas: no such command", "uwf cas specimen"),
        ("cas specimen --why w", "missing argument 'FIRST'", "uwf cas specimen --help"),
    ],
)
def test_usage_errors_name_the_word_and_the_nearest_right_one(
    line: str, message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        typer_app.understand(line.split())
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.code == "usage"


def test_index_and_registry_agree() -> None:
    for name, module in index.MODULES.items():
        if name != SPECIMEN:
            assert index.load(name).function.__module__ == f"uwf.cli.{module}"
    assert set(REGISTRY) == set(index.MODULES)
    assert {name.rpartition(" ")[0] for name in index.MODULES} <= {"", *index.GROUPS}


def test_every_command_explains_itself() -> None:
    for name in index.MODULES:
        known = index.load(name)
        assert known.help.endswith("."), name
        assert known.example.startswith(f"uwf {name}"), name
        for param in known.params:
            sentence = param.spec.help.partition(" [")[0]
            assert sentence.endswith((".", "…")), (name, param.name)
            assert not set(param.spec.flags) & set(flags_of(COMMON)), (name, param.name)
