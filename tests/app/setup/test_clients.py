"""Clients on PATH: found, proposed as config, written, and asked for what costs nothing."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.fake_model import FakeModel, serving
from tests.helpers.project import program
from uwf import config
from uwf.app import App
from uwf.app.setup.agents import AgentCheck

CLAUDE = """\
[ "$*" = --version ] && echo '2.1.197 (Claude Code)' && exit
[ "$*" = 'auth status' ] && cat "$0.says" && exit 1
exit 9
"""
CODEX = """\
[ "$*" = --version ] && echo 'codex-cli 0.171.0' && exit
[ "$*" = 'login status' ] && cat "$0.says" >&2 && exit $(cat "$0.code")
exit 9
"""
GEMINI = """\
[ "$*" = --acp ] || exit 9
read line
case $line in *initialize*) cat "$0.says";; esac
"""


class Bin:
    """A folder that is all of PATH, with the programs that a shell script needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("cat", "sh"):
            found = shutil.which(name)
            assert found is not None
            (folder / name).symlink_to(found)

    def put(self, name: str, script: str, says: str = "", code: int = 0) -> None:
        program(self.folder / name, script)
        (self.folder / f"{name}.says").write_text(says)
        (self.folder / f"{name}.code").write_text(str(code))


@pytest.fixture
def bin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bin:
    monkeypatch.chdir(tmp_path)
    found = Bin(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(found.folder))
    return found


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Callable[[str], App]]:
    opened: list[App] = []

    def opens(text: str = "") -> App:
        home = tmp_path / "home"
        if text:
            home.mkdir(exist_ok=True)
            (home / "config.toml").write_text(text)
        opened.append(App.open(str(home)))
        return opened[-1]

    yield opens
    for app in opened:
        app.close()


def test_what_is_on_path_is_proposed_and_written_once(
    bin: Bin, open_app: Callable[[str], App], tmp_path: Path
) -> None:
    app = open_app("")
    assert app.agents.detect() == []
    bin.put("codex", CODEX)
    bin.put("claude", CLAUDE)
    first, second = app.agents.detect()
    assert (first.title, first.name, first.agents) == ("Claude Code", "claude", ())
    assert first.settings == {"kind": "claude", "permissions": "acceptEdits"}
    assert second.path == str(bin.folder / "codex")
    assert not (tmp_path / "home").exists(), "looking writes nothing"
    written = app.agents.add([first, second])
    assert written["default_agent"] == "claude"
    found = config.load(str(tmp_path / "home"))
    assert found.agents["claude"].kind == "claude"
    assert found.agents["codex"].permissions == "workspace-write"
    assert [row.agents for row in app.agents.detect()] == [("claude",), ("codex",)]
    assert app.agents.add(app.agents.detect()) == {}


def test_an_agent_of_that_name_and_a_default_stay(
    bin: Bin, open_app: Callable[[str], App], tmp_path: Path
) -> None:
    app = open_app('default_agent = "claude"  # mine\n[agents.claude]\ncommand = "my-claude"\n')
    bin.put("claude", CLAUDE)
    [found] = app.agents.detect()
    assert (found.name, found.agents) == ("claude-new", ())
    app.agents.add([found])
    text = (tmp_path / "home" / "config.toml").read_text()
    assert 'default_agent = "claude"  # mine' in text and "my-claude" in text
    assert config.load(str(tmp_path / "home")).agents["claude-new"].kind == "claude"


def test_a_command_that_runs_a_client_is_one_already(
    bin: Bin, open_app: Callable[[str], App]
) -> None:
    bin.put("claude", CLAUDE)
    app = open_app("[agents.mine]\ncommand = 'claude -p'\n")
    assert [row.agents for row in app.agents.detect()] == [("mine",)]


def checked(app: App, name: str) -> AgentCheck:
    [row] = app.agents.check(name)
    assert row.ok, row
    return row


@pytest.mark.parametrize(
    ("says", "is_logged_in", "login"),
    [
        ({"loggedIn": False, "authMethod": "none"}, False, None),
        ({"loggedIn": True, "authMethod": "oauth_token"}, True, "oauth_token"),
        (
            {"loggedIn": True, "authMethod": "api_key", "apiKeySource": "ANTHROPIC_API_KEY"},
            True,
            "ANTHROPIC_API_KEY",
        ),
        ("error: unknown command 'auth'", None, None),
    ],
)
def test_claude_code_says_who_is_logged_in(
    bin: Bin, open_app: Callable[[str], App], says: object, is_logged_in: bool, login: str
) -> None:
    bin.put("claude", CLAUDE, says if isinstance(says, str) else json.dumps(says))
    app = open_app("[agents.c]\nkind = 'claude'\nmodel = 'opus'\n")
    row = checked(app, "c")
    assert (row.version, row.model) == ("2.1.197", "opus")
    assert (row.is_logged_in, row.login) == (is_logged_in, login)


@pytest.mark.parametrize(
    ("says", "code", "is_logged_in"),
    [
        ("WARNING: x\nNot logged in\n", 1, False),
        ("Logged in using ChatGPT\n", 0, True),
        ("API key configured - ***\nAuthentication is checked when you send a request.\n", 0, True),
        ("error: unrecognized subcommand\n", 2, None),
    ],
)
def test_codex_says_who_is_logged_in(
    bin: Bin, open_app: Callable[[str], App], says: str, code: int, is_logged_in: bool
) -> None:
    bin.put("codex", CODEX, says, code)
    row = checked(open_app("[agents.c]\nkind = 'codex'\n"), "c")
    assert (row.version, row.is_logged_in) == ("0.171.0", is_logged_in)
    assert row.login == says.removeprefix("WARNING: x\n").splitlines()[0]


def test_an_agent_that_speaks_acp_says_its_version(
    bin: Bin, open_app: Callable[[str], App]
) -> None:
    pytest.importorskip("acp")
    hello = {"jsonrpc": "2.0", "id": 0, "result": {"agentInfo": {"name": "g", "version": "0.61.0"}}}
    bin.put("gemini", GEMINI, json.dumps(hello) + "\nmore\n")
    app = open_app("[agents.g]\nkind = 'acp'\ncommand = 'gemini --acp'\n")
    assert checked(app, "g").version == "0.61.0"
    bin.put("gemini", GEMINI, "Usage: gemini\n")
    assert "does not answer" in str(checked(app, "g").problem)


def test_a_client_is_handed_the_secrets_that_it_has_in_a_step(
    bin: Bin, open_app: Callable[[str], App], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "OTHER_API_KEY", "NAMED_API_KEY"):
        monkeypatch.setenv(name, f"value-of-{name}-1")
    program(bin.folder / "claude", f"set > {tmp_path}/env")
    checked(
        open_app("[agents.c]\nkind = 'claude'\nsecrets = ['NAMED_API_KEY']\nenv.X = '1'\n"), "c"
    )
    handed = (tmp_path / "env").read_text()
    assert "ANTHROPIC_API_KEY=" in handed and "NAMED_API_KEY=" in handed and "X=" in handed
    assert "OTHER_API_KEY=" not in handed


def test_a_plain_command_is_not_run(
    bin: Bin, open_app: Callable[[str], App], tmp_path: Path
) -> None:
    program(bin.folder / "mine", f"echo > {tmp_path}/ran")
    row = checked(open_app("[agents.m]\ncommand = 'mine'\n"), "m")
    assert (row.version, row.is_logged_in, row.problem) == (None, None, None)
    assert not (tmp_path / "ran").exists()


def test_a_client_that_hangs_is_not_waited_for(
    bin: Bin, open_app: Callable[[str], App], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.app.setup.agents.INSPECT_S", 0.2)
    program(bin.folder / "claude", f"exec {sys.executable} -c 'import time; time.sleep(60)'")
    assert checked(open_app("[agents.c]\nkind = 'claude'\n"), "c").version is None


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    monkeypatch.setenv("MY_MODEL", "sunny-side-7")
    with serving() as found:
        yield found


def local(model: FakeModel, name: str = "small", key_env: str = "MY_MODEL") -> str:
    return (
        f"[agents.m]\nkind = 'openai'\nbase_url = '{model.url}'\nmodel = '{name}'\n"
        f"key_env = '{key_env}'\n"
    )


@pytest.mark.parametrize(
    ("answer", "is_logged_in", "problem"),
    [
        ({"data": [{"id": "small"}]}, True, None),
        ({"data": [{"id": "smal"}]}, None, "has no model 'small'; it has smal"),
        ({"data": []}, None, None),
        ([], None, None),
    ],
)
def test_a_service_is_asked_for_its_models(
    open_app: Callable[[str], App],
    model: FakeModel,
    answer: object,
    is_logged_in: bool,
    problem: str | None,
) -> None:
    model.will_say(answer)
    row = checked(open_app(local(model)), "m")
    assert (row.is_logged_in, row.model) == (is_logged_in, "small")
    assert problem is None if row.problem is None else str(problem) in row.problem
    assert model.asked[0]["path"] == "/models"
    assert model.asked[0]["headers"]["authorization"] == "Bearer sunny-side-7"


def test_a_service_that_is_none_or_takes_no_key_is_told(
    open_app: Callable[[str], App], model: FakeModel
) -> None:
    model.will_say({}, status=401)
    row = checked(open_app(local(model)), "m")
    assert (row.is_logged_in, row.problem) == (False, "its service answers 401")
    model.will_say({}, status=302, location=f"{model.url}/other")
    assert checked(open_app(local(model)), "m").problem is None
    assert len(model.asked) == 2, "the key goes nowhere else"
    assert "NOT_SET is not set" in str(
        checked(open_app(local(model, key_env="NOT_SET")), "m").problem
    )
    model.url = "http://127.0.0.1:1"
    assert "cannot be reached" in str(checked(open_app(local(model)), "m").problem)
