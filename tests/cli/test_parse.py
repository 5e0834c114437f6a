"""The strict parser and typer: whatever the strict one accepts, typer understands in the same way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from uwf.cli import index, typer_app
from uwf.cli.command import COMMON, REGISTRY, Common, Param, arg, command, opt
from uwf.cli.context import Context
from uwf.cli.parse import parse
from uwf.errors import InputError

SPECIMEN = "cas specimen"


@pytest.fixture(autouse=True, scope="module")
def specimen() -> Iterator[None]:
    """A command with one parameter of every kind, so that the law covers kinds that no command has yet."""

    @command(
        SPECIMEN,
        help="Has everything.",
        example="uwf cas specimen x",
        first=arg("First."),
        second=arg("Second.", choices=("red", "green")),
        rest=arg("Rest."),
        count=opt("-c", "--count", help="Count.", low=1),
        wait=opt("--wait", help="Wait."),
        label=opt("-l", "--label", help="Label."),
        form=opt("--format", help="Form.", choices=("dot", "svg")),
        force=opt("-f", "--force", help="Force."),
        why=opt("--why", help="Why."),
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
    ) -> int | None:
        return None

    index.MODULES[SPECIMEN] = "command"
    yield
    del index.MODULES[SPECIMEN], REGISTRY[SPECIMEN]


odd_words = st.sampled_from(
    "- -- x red dot 7 0 -3 +2 1.5 .5 1e3 007 ٣ a=b @last --json -q -x --no-such --help -h --home "
    "--home=/tmp -qf -c -c3 -c=3 --count= --count=4 -lk=v -f --force=1 --why --why=w".split()
)


def flags_of(params: tuple[Param, ...]) -> list[str]:
    return [flag for param in params for flag in param.spec.flags]


def good_values(param: Param) -> st.SearchStrategy[str]:
    if param.spec.choices:
        return st.sampled_from(param.spec.choices)
    if param.type in ("int", "float"):
        return st.sampled_from(["1", "12", "007", "+2", "1.5"])
    return st.sampled_from(["x", "", "-", "@last", "a=b", "a b", "7", "-x", "--json"])


@st.composite
def any_words(draw: st.DrawFn, params: tuple[Param, ...]) -> list[str]:
    known = st.sampled_from(flags_of(params))
    assigned = st.builds("{}={}".format, known, st.text(max_size=4))
    return draw(st.lists(st.one_of(odd_words, st.text(max_size=4), known, assigned), max_size=7))


@st.composite
def mostly_good_words(draw: st.DrawFn, params: tuple[Param, ...]) -> list[str]:
    groups: list[list[str]] = []
    for param in params:
        if not (param.required or draw(st.booleans())):
            continue
        for _ in range(draw(st.integers(1, 3)) if param.many else 1):
            value = draw(good_values(param))
            if not param.is_option:
                groups.append([value])
                continue
            flag = draw(st.sampled_from(param.spec.flags))
            joined = f"{flag}={value}" if flag.startswith("--") else flag + value
            groups.append(
                [flag] if param.is_flag else draw(st.sampled_from([[flag, value], [joined]]))
            )
    return [word for group in draw(st.permutations(groups)) for word in group]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from([SPECIMEN, *index.MODULES]))
    params = (*index.load(name).params, *COMMON)
    before = draw(st.lists(st.sampled_from(["--json", "-q", "--home=/x"]), max_size=1))
    after = draw(st.one_of(any_words(params), mostly_good_words(params), mostly_good_words(params)))
    return [*before, *name.split(), *after]


@settings(max_examples=600, deadline=None)
@given(command_lines())
@example(
    ["cas", "specimen", "a", "green", "b", "c", "--why", "--json", "-lk", "-l", "m", "--", "-f"]
)
@example(["--home", "/a", "cas", "specimen", "a", "--why=", "--home", "/b", "-q", "-c", "12"])
def test_what_the_strict_parser_accepts_typer_understands_alike(line: list[str]) -> None:
    assume(all("\0" not in word for word in line))  # no operating system passes these on
    strict = parse(line)
    if strict is not None:
        assert typer_app.understand(line) == strict


@pytest.mark.parametrize(
    ("line", "values", "common"),
    [
        ("x --why w", {"first": "x", "why": "w"}, Common()),
        ("--why=w -c3 x --json", {"first": "x", "why": "w", "count": 3}, Common(json=True)),
        ("x green y z -f --why w", {"rest": ("y", "z"), "force": True}, Common()),
        ("-l a --label=b x --why w -q", {"label": ("a", "b")}, Common(quiet=True)),
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
