"""The prompt, found again in what an agent prints: as it is, and as terminals and logs change it."""

from __future__ import annotations

import html
import json
import shlex
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from uwf.agent.echo import Echo, solid

TASK = """## The task

The gateway answers "rate limit exceeded, try again in 7 hours" to every second call since Monday. Find out why.

    HTTP 429 Too Many Requests
    quota resets at 11pm

## Your instruction now

Look."""
SAID = "Error: connect ECONNREFUSED 10.0.0.7:443"

CHANGES: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "wrapped at words": lambda text: "\n".join(
        "\n".join(textwrap.wrap(line, 40)) for line in text.split("\n")
    ),
    "wrapped anywhere": lambda text: "\n".join(
        line[place : place + 33] for line in text.split("\n") for place in range(0, 120, 33)
    ),
    "coloured": lambda text: "\n".join(f"\x1b[36m{line}\x1b[0m" for line in text.split("\n")),
    "indented": lambda text: textwrap.indent(text, "      "),
    "quoted": lambda text: textwrap.indent(text, "> "),
    "cut at the front": lambda text: text[60:],
    "cut at the end": lambda text: text[:140],
    "lines cut": lambda text: "\n".join(
        line[:50] + "…" if len(line) > 50 else line for line in text.split("\n")
    ),
    "with a time before each line": lambda text: textwrap.indent(
        text, "[2026-01-31T12:00:00Z] ", lambda _: True
    ),
    "with numbers": lambda text: "\n".join(
        f"{number:4d}  {line}" for number, line in enumerate(text.split("\n"))
    ),
    "with a level and a name": lambda text: textwrap.indent(text, "INFO client::core: ", bool),
    "with its fields named": lambda text: "\n".join(
        f"level=info msg={json.dumps(line)}" for line in text.split("\n")
    ),
    "a string of JSON": lambda text: json.dumps({"level": "info", "msg": text}),
    "JSON in JSON": lambda text: json.dumps({"body": json.dumps({"input": [text]})}),
    "JSON behind a time": lambda text: f"2026-01-31T12:00:00Z {json.dumps({'prompt': text})}",
    "JSON cut at the end": lambda text: json.dumps({"msg": text})[:-9],
    "escaped": lambda text: f"DEBUG prompt={json.dumps(text)}",
    "lines cut in the middle": lambda text: "\n".join(
        f"{line[: len(line) // 2]}…{line[len(line) // 2 + 4 :]}" for line in text.split("\n")
    ),
    "middle left out, and told": lambda text: "\n".join(
        f"INFO prompt: {line[: len(line) // 2]} [... 4 chars omitted ...] {line[len(line) // 2 + 4 :]}"
        for line in text.split("\n")
        if line
    ),
    "two stretches in one line": lambda text: f"sent {text[14:80]} and then {text[75:130]} to it",
    "escaped for HTML": html.escape,
    "with turned quotes": lambda text: text.replace(' "', " \u201c").replace('" ', "\u201d "),
    "an argument of a shell": lambda text: f"+ agent -p {shlex.quote(text)}",
    "each line an argument": lambda text: "\n".join(
        f"run {shlex.quote(line)}" for line in text.split("\n")
    ),
    "with a blank that nobody sees": lambda text: text.replace("\n", "\u200b\n") + "\u200b",
    "lines that go on": lambda text: text.replace("\n", " \\\n"),
    "lines cut, and told": lambda text: "\n".join(
        f"{line[:28]}[...]" if len(line) > 28 else line for line in text.split("\n")
    ),
    "with a name before each line": lambda text: "\n".join(
        f"[user] {line}" for line in text.split("\n") if len(line) > 40
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_only_what_was_said_is_left(change: Callable[[str], str]) -> None:
    left = Echo(TASK).taken_out_of(f"{change(TASK)}\n{SAID}\n")
    assert SAID in left
    for words in ("rate limit", "429", "11pm", "7 hours"):
        assert words not in left


def test_what_only_resembles_the_prompt_was_said() -> None:
    said = (
        "rate limit exceeded\nError: quota resets at 10pm\n429\nError: HTTP 429 Too Many Requests"
    )
    assert Echo(TASK).taken_out_of(said) == said


@pytest.mark.parametrize(
    "printed",
    [
        "INFO prompt: {}",
        '{{"level":"info","msg":"{}"}}',
        'level=info msg="{}"',
        "[2026-01-31T12:00:00Z] WARN core: {}",
        "\u2022 {}",
        "2026-01-31T12:00:00.1Z ERROR client_core::exec: {}",
        "(12:00:01) {}",
        "Jan 31 12:00:01 host client[123]: {}",
        "npm ERR! {}",
        "{}\u200b",
        "{} \\",
    ],
)
def test_prompt_of_one_short_line_is_known_behind_what_a_log_sets_before_it(printed: str) -> None:
    prompt = "Error: rate limit reached, resets 11pm"
    for text in (prompt, prompt.replace("limit rea", "limit…"), prompt[:-5]):
        if text in prompt or text.count("…"):
            assert "resets" not in Echo(prompt).taken_out_of(printed.format(text))
    said = printed.format("Error: rate limit reached, resets 10pm")
    assert "10pm" in Echo(prompt).taken_out_of(said)


@pytest.mark.parametrize("change", ["run {}", "agent -p={}", "+ exec ${}"])
def test_short_line_is_known_as_an_argument_of_a_shell(change: str) -> None:
    prompt = "Error: it's a rate limit, resets 11pm"
    for quoted in (shlex.quote(prompt), json.dumps(prompt), "'" + prompt.replace("'", "\\'") + "'"):
        assert "11pm" not in Echo(prompt).taken_out_of(change.format(quoted))
        other = change.format(quoted.replace("11pm", "10pm"))
        assert Echo(prompt).taken_out_of(other) == other


def test_json_of_which_the_prompt_is_a_part_stays_json() -> None:
    said = {"type": "error", "error": {"message": "overloaded", "prompt": TASK}}
    left = json.loads(Echo(TASK).taken_out_of(json.dumps(said)))
    assert left["error"]["message"] == "overloaded"
    assert "429" not in left["error"]["prompt"]
    assert json.loads(Echo(TASK).taken_out_of(json.dumps({"msg": TASK}))) == {"msg": ""}


def test_every_kind_of_blank_is_none_and_all_else_stays() -> None:
    letters = [letter for letter in map(chr, range(sys.maxunicode + 1)) if letter != "\x1b"]
    blanks = "".join(filter(str.isspace, letters))
    assert solid(f"a{blanks}b \ud800→\u00e9") == "ab\ud800→\u00e9"
    assert solid("\u201ca\u201d \u2018b\u2019 \u00abc\u00bb\u200bd") == '"a"\'b\'"c"d'


def test_without_a_prompt_nothing_is_taken_out() -> None:
    assert Echo("").taken_out_of("a\nb") == "a\nb"


def test_long_prompt_and_long_output_cost_little() -> None:
    prompt = "".join(f"Line {number} of a long task about something.\n" for number in range(20_000))
    began_s = time.process_time()
    Echo(prompt).taken_out_of(prompt[-4000:] + "x" * 2000)
    assert time.process_time() - began_s < 1


def test_line_that_the_prompt_quotes_is_an_echo_without_its_sign() -> None:
    said = "429, try at 5pm"
    assert Echo(f"### From octocat\n\n> {said}\n> and so on").taken_out_of(said) == ""
    assert Echo("### From octocat\n\n> another").taken_out_of(said) == said
