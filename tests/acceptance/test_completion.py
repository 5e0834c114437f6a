"""Completion: what a shell is told, how it is installed, and what a person at a real shell sees."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.gate import Gate, configure, ended
from tests.helpers.program import PROGRAM, Uwf
from tests.helpers.project import REVIEW, WRITTEN, Project
from tests.helpers.shell import Shell
from uwf.store.sqlite import open_store

SHELLS = ["bash", "zsh", "fish"]
OLD, NEW = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ"
HOSTILE = [
    "a$(touch PWNED)",
    "a\\$(touch PWNED)",
    "a\\\\$(touch PWNED)",
    "a`touch PWNED`",
    "a\\`touch PWNED\\`",
    "a;touch PWNED;",
    "a'$(touch PWNED)'",
    'a"$(touch PWNED)"',
    "a\n$(touch PWNED)",
    "a:$(touch PWNED)",
    "a)) $(touch PWNED) ((",
    "-p",
]


def told(uwf: Uwf, line: str) -> list[str]:
    """What zsh and fish are told, line by line, when the cursor stands behind `line`."""
    done = uwf("--", *line.split(" ")[1:], env={"_UWF_COMPLETE": "zsh"})
    assert done.err == ""
    return done.out.splitlines()


def offers(uwf: Uwf, line: str) -> list[str]:
    kind, *rest = told(uwf, line)
    assert kind == "words"
    return [word.partition("\t")[0] for word in rest]


def add_threads(uwf: Uwf, *names: str, **tags: str) -> None:
    uwf.home.mkdir(exist_ok=True)
    store = open_store(f"{uwf.home}/store.db", create=True)
    with store.transaction("test") as tx:
        id = tx.put("text", "x")
        for name in names:
            tx.set_ref(f"@uwf/thread/{name}", id, why="test", tags=tags)
    store.close()


def test_threads_are_offered_newest_first_with_workflows_agents_keys_and_refs(uwf: Uwf) -> None:
    add_threads(uwf, OLD, NEW)
    id = uwf("cas", "put", "-", "-q", input="x").out.strip()
    uwf("ref", "set", "@uwf/registry/review", id)
    uwf("config", "set", "agents.mine.command", "cat")
    (uwf.cwd / ".workflows").mkdir()
    (uwf.cwd / ".workflows" / "local.yaml").touch()
    assert offers(uwf, "uwf thread show ") == ["@last", "MVRZ", "5FAV"]
    assert offers(uwf, "uwf thread show M") == ["MVRZ"]
    assert offers(uwf, "uwf thread show 01A") == [OLD]
    assert offers(uwf, "uwf thread start ") == ["local", "review"]
    assert offers(uwf, "uwf thread exec x --agent ") == ["mine"]
    assert offers(uwf, "uwf thread exec x --agent=m") == ["--agent=mine"]
    assert offers(uwf, "uwf ref get @uwf/r") == ["@uwf/registry/review"]
    assert offers(uwf, "uwf config get limits.max_st") == ["limits.max_steps"]
    assert offers(uwf, f"uwf --home {uwf.cwd}/none thread show ") == ["@last"]
    assert not (uwf.cwd / "none").exists()


def test_an_old_thread_is_offered_when_its_name_is_begun(uwf: Uwf) -> None:
    add_threads(uwf, OLD, *(f"01BX5ZZKBKACTAV9WEVGEMM{n:03}" for n in range(150)))
    assert len(offers(uwf, "uwf thread show ")) == 100
    assert "5FAV" not in offers(uwf, "uwf thread show ")
    assert offers(uwf, "uwf thread show 01AR") == [OLD]
    assert offers(uwf, "uwf ref get @uwf/thread/01B")[0].startswith("@uwf/thread/01B")


def test_steps_are_offered_by_their_place_and_by_their_role(project: Project) -> None:
    agent = project.agent(WRITTEN)
    project("config", "set", "agents.mine.command", agent.command)
    project("config", "set", "default_agent", "mine")
    thread = project.begin(REVIEW)
    project("thread", "exec", thread)
    last, short, step = offers(project, "uwf step show ")
    assert (last, step) == ("@last", "@last~0") and thread.endswith(short) and len(short) < 8
    assert offers(project, f"uwf step show {short}~") == [f"{short}~0"]
    assert offers(project, f"uwf step show {thread}~") == [f"{thread}~0"]
    assert offers(project, f"uwf step show {thread}/") == [f"{thread}/writer@1"]
    assert told(project, "uwf step show @last~") == ["words", "@last~0\tstep 1: writer, written"]
    project("step", "show", f"{thread}/writer@1")


def test_only_threads_in_the_queue_can_be_dropped_from_it(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate = Gate(project)
    runs, waits = project.begin(), project.begin()
    processes = [gate.running(runs), gate.waiting(waits)]
    kind, offer = told(project, "uwf queue drop ")
    short, meaning = offer.split("\t")
    assert (kind, meaning) == ("words", "1 in the queue") and waits.endswith(short)
    assert offers(project, "uwf queue drop 01") == [waits]
    gate.open()
    for process in processes:
        ended(process)
    assert offers(project, "uwf queue drop ") == []


def test_what_thread_start_would_find_is_offered_and_nothing_else(uwf: Uwf) -> None:
    (uwf.cwd / ".git").mkdir()
    folder = uwf.cwd / ".workflows"
    (folder / "folder").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name in ("plain.yaml", "short.yml", "folder/index.yaml", "README.md", ".gitkeep"):
        (folder / name).touch()
    uwf.cwd = uwf.cwd / "deep" / "below"
    uwf.cwd.mkdir(parents=True)
    assert offers(uwf, "uwf thread start ") == ["folder", "plain", "short"]
    assert told(uwf, "uwf thread start ../") == ["yaml"]
    assert told(uwf, "uwf thread start other") == ["yaml"]


def test_a_value_is_told_in_harmless_characters(uwf: Uwf) -> None:
    uwf("config", "set", "agents.mine.command", "run '\\$(touch P)' \"`x`\" \x1b]0;y [red] 'a:b'")
    add_threads(uwf, NEW, status="\\$(touch P)\n`x`\x1b]0;y\x07")
    assert told(uwf, "uwf thread exec x --agent ")[1] == "mine\trun touch P x 0 y red a:b"
    assert told(uwf, f"uwf thread show {NEW}")[1].startswith(f"{NEW}\ttouch P x 0 y , begun 20")


def test_a_broken_home_offers_nothing_and_says_nothing(uwf: Uwf) -> None:
    uwf.home.mkdir()
    (uwf.home / "config.toml").write_text("not toml at all")
    (uwf.home / "store.db").write_text("no store")
    assert told(uwf, "uwf config get l") == ["words"]
    assert told(uwf, "uwf ref get ") == ["words"]


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_installs_itself_for_the_shell_it_is_asked_from(uwf: Uwf, shell: str) -> None:
    # A shell is known by the name it was started with, so one that is at hand can stand for the others.
    (uwf.cwd / shell).symlink_to(shutil.which("bash") or "bash")
    done = subprocess.run(
        [uwf.cwd / shell, "-c", f"{PROGRAM} --install-completion; true"],
        capture_output=True,
        text=True,
        env=uwf.environ,
        timeout=60,
    )
    assert f"{shell} completion installed in {uwf.environ['HOME']}" in done.stdout, done
    [script] = [path for path in Path(uwf.environ["HOME"]).rglob("*uwf*") if path.is_file()]
    assert script.read_text() == uwf("--show-completion", shell).out


def test_completion_installs_itself_for_the_shell_that_is_named(uwf: Uwf) -> None:
    assert uwf("--install-completion", "zsh").out.startswith("zsh completion installed in ")
    assert uwf("--install-completion=fish").out.startswith("fish completion installed in ")
    refused = uwf("--install-completion", "dash", expect=2)
    assert refused.err == (
        "error: uwf completes in bash, zsh and fish, not in 'dash'\nhint: uwf --install-completion bash\n"
    )
    assert "--install-completion" in uwf("--help").out


# -- at a real shell


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, uwf: Uwf) -> Iterator[Shell]:
    """An interactive shell in a project that was cloned from a stranger."""
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")
    (uwf.cwd / "evil").mkdir()
    (uwf.cwd / ".workflows").mkdir()
    for name in HOSTILE:
        (uwf.cwd / ".workflows" / f"{name}.yaml").touch()
        (uwf.cwd / "evil" / f"{name}.yaml").touch()
    (uwf.cwd / "evil" / "z$(touch PWNED).yaml").touch()
    (uwf.cwd / ".workflows" / "u$(touch PWNED).yaml").touch()
    for name in ("good", "better"):
        (uwf.cwd / ".workflows" / f"{name}.yaml").touch()
    uwf("config", "set", "agents.mine.command", "x '\\$(touch PWNED)' \\`touch PWNED` \\' \\\" ]")
    add_threads(uwf, NEW, status="'\\$(touch PWNED)`touch PWNED`\n")
    id = uwf("cas", "put", "-", "-q", input="x").out.strip()
    for name in HOSTILE:
        uwf("ref", "set", f"@uwf/registry/{name}", id, expect=None)
    uwf("--install-completion", request.param)
    shell = Shell(request.param, uwf.cwd, uwf.environ, columns=80)
    yield shell
    shell.close()


def test_nothing_of_a_strangers_project_runs_on_tab_or_is_inserted(shell: Shell, uwf: Uwf) -> None:
    for line in (
        "uwf thread start ",
        "uwf thread start a",
        "uwf thread start evil/a",
        "uwf workflow validate evil/",
        "uwf thread exec x --agent ",
        "uwf thread show ",
        "uwf ref get @uwf/registry/a",
        "uwf config get agents.mine.",
    ):
        shell.tab(line)
        shell.tab(line, times=2)
    assert "no workflow" in shell.enter("uwf thread start -p x u")
    assert "z$(touch PWNED).yaml" in shell.enter("uwf workflow validate evil/z")
    assert [path for path in uwf.cwd.rglob("PWNED*") if path.name == "PWNED"] == []


def test_a_person_completes_words_with_signs_in_them(shell: Shell) -> None:
    shell.tab("uwf thread show @l", shows="ast")
    shell.tab("uwf ref get @uwf/t", shows=f"hread/{NEW}")
    shell.tab("uwf thread exec @last --agent=m", shows="ine")
    shell.tab("uwf thread list --status idle,s", shows="uspended")
    shell.tab("uwf thread start --cwd=e", shows="vil/")
    shell.tab('uwf thread show "@l', shows='ast"')


def test_a_person_sees_what_there_is_and_nothing_else(shell: Shell) -> None:
    assert "PWNED" not in shell.tab("uwf thread start ", shows="good", times=2)
    seen = shell.tab("uwf ", shows="doctor", times=2)
    if shell.name != "bash":
        assert "See what may say 'not now', and turn its switches." in seen
    assert "after the end" not in seen
