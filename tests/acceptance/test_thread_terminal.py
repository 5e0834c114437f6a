"""What a person at a terminal sees: a live line while a step runs, colours, and nothing that steers the terminal."""

from __future__ import annotations

import re

import pytest

from tests.helpers.project import ASKS, ONE, Project, reply, until
from tests.helpers.terminal import Terminal
from uwf.cli.screen.table import width
from uwf.display.times import duration

SLOW = """\
cat >/dev/null
echo 'Looking around.'
touch ready
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""


WORKING = """\
cat >/dev/null
echo '{"type": "usage", "tokens": 12400, "usd": 0.309}' >>$UWF_EVENTS
echo '{"type": "tool", "name": "Bash", "arguments": {"command": "make"}, "id": "1"}' >>$UWF_EVENTS
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""


def slow(project: Project) -> str:
    return project.program("slow", SLOW)


def test_a_live_line_shows_role_agent_time_and_words_and_goes_away(project: Project) -> None:
    thread = project.begin()
    command = f"{slow(project)} with many words after it"
    terminal = Terminal(project, "thread", "exec", thread, "--agent", command)
    terminal.read_until("0:01 · Looking around.")
    assert terminal.screen[-1] == "1 worker · slow with many words af… · 0:01 · Looking around."
    (project.cwd / "go").touch()
    assert terminal.end() == 0
    [step] = project.steps(thread)
    took = duration(step["durationMs"])
    assert terminal.screen == [f"worker → done  {took}  (completed)", ""]


def test_the_live_line_says_which_tool_is_used_and_what_was_used_so_far(project: Project) -> None:
    thread = project.begin()
    agent = project.program("working", WORKING)
    terminal = Terminal(project, "thread", "exec", thread, "--agent", agent)
    terminal.read_until("Bash make")
    (project.cwd / "go").touch()
    assert terminal.screen[-1].startswith("1 worker · working · 0:0")
    assert terminal.screen[-1].endswith(" · $0.31, 12k tokens · Bash make")
    assert terminal.end() == 0


def test_the_live_line_fits_a_narrow_terminal(project: Project) -> None:
    thread = project.begin()
    terminal = Terminal(project, "thread", "exec", thread, "--agent", slow(project), columns=20)
    until(lambda: (project.cwd / "ready").exists())
    terminal.read_until("\x1b[K1 worker")
    assert len(terminal.screen[-1]) < 20
    (project.cwd / "go").touch()
    assert terminal.end() == 0


@pytest.mark.parametrize("more", [["--json"], ["-q"]])
def test_no_live_line_where_only_data_was_asked_for(project: Project, more: list[str]) -> None:
    thread = project.begin()
    (project.cwd / "go").touch()
    terminal = Terminal(project, "thread", "exec", thread, "--agent", slow(project), *more)
    assert terminal.end() == 0
    assert "\x1b" not in terminal.written and len(terminal.screen) == 2


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_dumb_terminal_gets_no_escape(project: Project, env: dict[str, str]) -> None:
    thread = project.begin()
    (project.cwd / "go").touch()
    terminal = Terminal(project, "thread", "exec", thread, "--agent", slow(project), env=env)
    assert terminal.end() == 0
    assert "\x1b" not in terminal.written


def test_no_color_is_honoured_everywhere(project: Project) -> None:
    thread = project.begin()
    project("thread", "exec", thread, "--agent", project.agent(reply("done", "# Big\n")).command)
    for words in (
        *(("thread", verb, thread) for verb in ("show", "read", "log", "watch", "exec")),
        *(("step", verb, thread) for verb in ("list", "show", "read", "turns")),
        ("thread", "list", "--all"),
        ("workflow", "validate", "none.yaml"),
        ("workflow", "graph", "one.yaml"),
    ):
        plain = Terminal(project, *words, env={"NO_COLOR": "1", "PAGER": "cat"})
        plain.end()
        assert not [code for code in plain.written.split("\x1b[")[1:] if code[0].isdigit()], words
        assert "Traceback" not in plain.written


def test_a_reply_cannot_steer_the_terminal(project: Project) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m and \x08\x08 then\r\n"
    thread = project.begin(ONE, task=f"task {evil}")
    terminal = Terminal(
        project, "thread", "exec", thread, "--agent", project.agent(reply("done", evil)).command
    )
    terminal.end()
    seen = terminal.written
    for words in (
        *(("thread", verb, thread) for verb in ("show", "read", "watch")),
        *(("step", verb, thread) for verb in ("show", "read", "turns", "list")),
        ("thread", "list", "--all"),
    ):
        terminal = Terminal(project, *words, env={"PAGER": "cat"})
        terminal.end()
        seen += terminal.written
    assert "owned" in seen
    for steering in ("\x1b]", "\x1b[2J", "\x9b", "\x07", "\x08"):
        assert steering not in seen


def test_what_nobody_sees_is_shown_as_an_escape(project: Project) -> None:
    hidden = {"\u202e": "\\u202e", "\x84": "\\u0084", "\u200d": "\\u200d", "\u2066": "\\u2066"}
    evil = f"rm {''.join(hidden)}~"
    thread = project.begin(ONE, task=evil)
    project.step(thread, project.agent(reply("done", evil)))
    for words in (
        ("thread", "show", thread),
        ("thread", "show", thread, "--json"),
        ("thread", "read", thread),
        ("step", "show", thread, "--json"),
        ("cas", "get", thread, "--json"),
    ):
        terminal = Terminal(project, *words)
        terminal.end()
        assert not [letter for letter in hidden if letter in terminal.written], words
        assert f"rm {''.join(hidden.values())}~" in terminal.written, words
    assert project.show(thread)["prompt"] == evil  # what is no terminal gets the text


@pytest.mark.parametrize("columns", [80, 60])
def test_an_id_in_a_table_is_on_one_line_of_a_narrow_terminal(
    project: Project, columns: int
) -> None:
    threads = [project.begin(task="Paint the fence, and the gate beside it, and the house.")]
    project.step(threads[0], project.agent(reply()))
    threads.append(project.begin(task="日本語" * 20))
    for words, ids in (
        (("thread", "list", "--all"), [thread[-4:] for thread in threads]),
        (("step", "list", threads[0]), [project.steps(threads[0])[0]["step"][:16]]),
        (("thread", "log", threads[0]), [project.show(threads[0])["head"][:12]]),
        (("ref", "list", "@uwf/registry/"), []),
        (("config", "list"), []),
    ):
        terminal = Terminal(project, *words, columns=columns)
        assert terminal.end() == 0
        for id in ids:
            assert any(id in line for line in terminal.screen)
        assert words[0] == "config" or max(map(width, terminal.screen)) <= columns
    assert "Paint the fence, and the gate beside it" in project("thread", "list", "--all").out


def test_ctrl_c_typed_at_the_terminal_ends_the_agent_and_clears_the_line(project: Project) -> None:
    thread = project.begin()
    terminal = Terminal(project, "thread", "exec", thread, "--agent", slow(project))
    terminal.read_until("Looking around.")
    terminal.type("\x03")
    assert terminal.end() == 130
    said, hint = [line for line in terminal.screen if line and line != "^C"]
    short = hint.removeprefix("hint: uwf thread show ")
    assert thread.endswith(short)
    assert said == f"error: stopped; thread {short} is at a whole step"
    assert project.turns(thread)[0]["outcome"] == "stopped"


def test_watch_shows_a_live_line_for_a_run_elsewhere(project: Project) -> None:
    thread = project.begin()
    process = project.start("thread", "exec", thread, "--agent", slow(project))
    until(lambda: (project.cwd / "ready").exists())
    terminal = Terminal(project, "thread", "watch", thread)
    terminal.read_until("worker · ")
    (project.cwd / "go").touch()
    assert terminal.end() == 0
    process.communicate(timeout=20)
    assert [line for line in terminal.screen if line][-1] == "✓ completed"
    assert not any("worker · " in line for line in terminal.screen)


def test_what_is_to_be_typed_is_short_at_a_terminal_and_whole_in_a_pipe(project: Project) -> None:
    thread = project.begin()
    piped = project("thread", "fork", thread)
    whole = piped.out.split(" ")[0]
    assert piped.err == f"hint: uwf thread exec {whole}\n" and len(whole) == len(thread)
    fork = Terminal(project, "thread", "fork", thread)
    assert fork.end() == 0
    said, hint, _ = fork.screen
    short = hint.removeprefix("hint: uwf thread exec ")
    assert len(short) < 8 and said.startswith(f"{short}  idle, forked from ")
    assert thread not in said
    assert project.show(short)["forkedFrom"]["thread"] == thread


def test_an_error_at_a_terminal_names_a_thread_as_one_types_it(project: Project) -> None:
    thread = project.begin()
    project("thread", "cancel", thread)
    refused = Terminal(project, "thread", "exec", thread)
    assert refused.end() == 5
    assert refused.screen[0].startswith("error: thread ")
    assert thread not in refused.written
    unknown = Terminal(project, "thread", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert unknown.end() == 4
    assert unknown.screen[0] == "error: no thread '01ARZ3NDEKTSV4RRFFQ69G5FAV'"


def test_the_page_of_a_thread_has_its_whole_id_and_what_one_types_of_it_in_bold(
    project: Project,
) -> None:
    thread = project.begin()
    shown = Terminal(project, "thread", "show", thread)
    assert shown.end() == 0
    assert shown.screen[0].split() == ["thread", thread]
    bold = shown.written.partition("\x1b[1m")[2].partition("\x1b[0m")[0]
    assert thread.endswith(bold) and 4 <= len(bold) < 8


def test_an_error_is_broken_between_words_and_its_hint_is_one_line(project: Project) -> None:
    terminal = Terminal(
        project, "setup", columns=40, env={"PATH": "/nowhere", "NO_COLOR": "1", "COLUMNS": ""}
    )
    assert terminal.end() == 5
    error, hint = terminal.written.replace("\r\n", "\n").split("hint: ")
    assert error.startswith("error: none of these is on PATH: claude,\n       codex, ")
    assert all(len(line) <= 40 for line in error.split("\n"))
    assert hint == "uwf setup --agent 'COMMAND'\n"


def test_a_question_is_broken_between_words(project: Project) -> None:
    asks = project.agent(reply("$SUSPEND", reason="Which colour shall the fence of it have?"))
    words = ("thread", "exec", project.begin(), "--agent", asks.command)
    terminal = Terminal(project, *words, columns=36)
    assert terminal.end() == 3
    shown = "\n".join(terminal.screen)
    assert "\nsuspended: Which colour shall the\nfence of it have?\n" in shown


@pytest.mark.parametrize("command", ["thread read", "step read", "log show --thread", "digest"])
def test_what_is_read_at_a_terminal_has_the_clock_of_its_reader(
    project: Project, command: str
) -> None:
    thread = project.begin()
    spends = project.agent(reply(usage={"usd": 0.0030610000000000004, "tokens": 12345}))
    project.step(thread, spends)
    words = [*command.split(), *[thread] * (command != "digest")]
    written = []
    for more in ([], ["--utc"]):
        terminal = Terminal(project, *words, *more, env={"TZ": "Asia/Tokyo", "PAGER": "cat"})
        assert terminal.end() == 0
        written.append(terminal.written)
    utc = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    assert [bool(utc.search(text)) for text in written] == [False, True]
    assert "0.00306" not in written[0]


def test_what_lets_a_thread_go_on_is_read_as_one_types_it(project: Project) -> None:
    thread = project.begin()
    project.step(thread, project.agent(ASKS), expect=3)
    terminal = Terminal(project, "thread", "read", thread, "--no-pager")
    assert terminal.end() == 0
    assert f"uwf thread resume {thread}" not in " ".join(terminal.screen)
    assert re.search(r"uwf thread resume [0-9A-Z]{4,8} ", " ".join(terminal.screen))
    assert f"uwf thread resume {thread}" in project("thread", "read", thread).out
