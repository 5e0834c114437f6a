"""`uwf mcp`: the real server, with the official clients of two generations of the SDK, and what comes of its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.helpers.program import PROGRAM
from tests.helpers.project import ONE, Project, is_alive, reply, until

OLDER = "mcp==1.30.0"
HELPERS = Path(__file__).parents[1] / "helpers"

SPEAKS = """\
cat >/dev/null
echo '{"type": "text", "text": "I look for a brush."}' >>"$UWF_EVENTS"
while [ ! -e "$UWF_HOME/../go" ]; do sleep 0.05; done
"""


@pytest.fixture
def painter(project: Project) -> Project:
    """A project whose agent says something, waits for a file, and replies."""
    text = project.file("reply", reply())
    agent = project.program("painter", f"{SPEAKS}cat {text}")
    project.home.mkdir()
    (project.home / "config.toml").write_text(
        f'default_agent = "it"\n[agents.it]\ncommand = "{agent}"\n'
    )
    project.file("one.yaml", ONE)
    return project


def go(project: Project) -> None:
    (project.home.parent / "go").touch()


def with_client(project: Project, talk: Callable[[Client], Awaitable[None]], *words: str) -> None:
    """Talk to a server that a client of SDK 2.x has begun, with the little environment that it hands on."""

    async def run() -> None:
        server = StdioServerParameters(
            command=PROGRAM, args=["mcp", f"--home={project.home}", *words], cwd=project.cwd
        )
        async with Client(stdio_client(server)) as client:
            await talk(client)

    anyio.run(run)


def test_a_client_begins_a_run_and_hears_what_its_agent_does(painter: Project) -> None:
    told: list[str] = []

    async def heard(_count: float, _total: float | None, words: str | None) -> None:
        told.append(words or "")
        if "brush" in told[-1]:
            go(painter)

    async def talk(client: Client) -> None:
        tools = (await client.list_tools()).tools
        looks = {
            tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint
        }
        assert {tool.name for tool in tools} - looks == {"start", "exec"}
        begun = await client.call_tool("start", {"workflow": "one.yaml", "task": "Paint it."})
        thread = begun.structured_content["thread"]
        ran = await client.call_tool(
            "exec", {"thread": thread, "wait": 60}, progress_callback=heard
        )
        assert (ran.structured_content["status"], ran.is_error) == ("completed", False)
        assert json.loads(ran.content[0].text) == ran.structured_content
        assert told == [
            "worker works",
            "worker, text: I look for a brush.",
            "step 1: worker → done",
        ]
        refused = await client.call_tool("cancel", {"thread": thread})
        assert refused.is_error
        assert refused.content[0].text.endswith("hint: uwf mcp --allow start,exec,cancel")
        page = await client.read_resource(f"uwf://thread/{thread}")
        assert page.contents[0].text == painter("thread", "read", thread).out
        assert (
            painter.show(thread)
            == (await client.call_tool("show", {"thread": thread})).structured_content
        )

    with_client(painter, talk, "--allow", "start,exec")


def older() -> str:
    """A Python with the SDK of 1.x, made once for all runs of the tests."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    folder = cache / "uwf" / f"{OLDER}-py{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        venv = [sys.executable, "-m", "venv", "--clear", "--without-pip", folder]
        subprocess.run(venv, check=True)
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", OLDER]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"no registry to install {OLDER} from: {done.stderr.strip()[-200:]}")
        (folder / "whole").touch()
    return str(python)


def test_a_client_of_the_older_sdk_is_served_as_well(painter: Project) -> None:
    go(painter)
    words = [older(), str(HELPERS / "mcp_older.py"), str(painter.home), PROGRAM, "one.yaml"]
    done = subprocess.run(
        words, cwd=painter.cwd, env=painter.environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["version"] < "2026"
    assert {"start", "exec", "list"} <= set(found["tools"])
    assert found["ran"]["status"] == "completed" and json.loads(found["text"]) == found["ran"]
    counts = [count for count, _ in found["told"]]
    assert counts == sorted(set(counts))
    # A look may come when the step is done, or only when the run is over.
    assert found["told"][-1][1] in ("step 1: worker → done", "completed")
    assert found["wrong"][0] and "no thread 'ZZZZ'" in found["wrong"][1]
    assert found["listed"] == []
    assert "## Step 1: worker → done" in found["page"]


def messages(*calls: tuple[str, dict[str, Any]]) -> bytes:
    """What a client of the protocol writes that calls tools one after the other."""
    info = {"protocolVersion": "2025-06-18", "capabilities": {}}
    info |= {"clientInfo": {"name": "editor", "version": "1"}}
    lines: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": info},
        {"method": "notifications/initialized"},
    ]
    for id, (name, given) in enumerate(calls, 1):
        lines.append(
            {"id": id, "method": "tools/call", "params": {"name": name, "arguments": given}}
        )
    return b"".join(json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n" for line in lines)


def answered(server: subprocess.Popen[bytes], *ids: int) -> list[Any]:
    """The results of these calls, in whatever order they come; every line on stdout is a message."""
    assert server.stdout is not None
    found: dict[int, Any] = {}
    watchdog = threading.Timer(30, server.kill)
    watchdog.start()
    for line in server.stdout:
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        found[message.get("id")] = message.get("result")
        if found.keys() >= set(ids):
            break
    watchdog.cancel()
    return [found[id] for id in ids]


@pytest.mark.parametrize("end", ["its stdin is closed", "its group is killed"])
def test_a_client_that_goes_away_ends_the_server_and_not_the_run(
    painter: Project, end: str
) -> None:
    thread = painter.begin()
    server = painter.start("mcp", "--allow", "exec", start_new_session=True)
    assert server.stdin is not None and server.stderr is not None
    server.stdin.write(
        messages(("exec", {"thread": thread}), ("wait", {"thread": thread, "seconds": 600}))
    )
    server.stdin.flush()
    [began] = answered(server, 1)
    run = began["structuredContent"]["running"]["pid"]
    if end == "its stdin is closed":
        server.stdin.close()
        assert server.wait(20) == 0
    else:
        os.killpg(server.pid, signal.SIGTERM)
        assert server.wait(20) == 128 + signal.SIGTERM
    assert b"Traceback" not in server.stderr.read()
    assert is_alive(run) and painter.show(thread)["running"]["pid"] == run
    go(painter)
    until(lambda: painter.show(thread)["status"] == "completed")


def test_what_is_no_message_and_what_asks_too_much_ends_nothing(painter: Project) -> None:
    thread = painter.begin()
    server = painter.start("mcp", stderr=subprocess.DEVNULL)
    assert server.stdin is not None
    begin, calls = messages(("turns", {"thread": thread}), ("nothing", {})).split(b"\n", 1)
    server.stdin.write(begin + b"\nno message\n\xff\n{}\n" + calls)
    server.stdin.flush()
    turns, nothing = answered(server, 1, 2)
    assert (turns["structuredContent"]["turns"], nothing["isError"]) == ([], True)
    server.stdin.close()
    assert server.wait(20) == 0


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_whatever_it_does(project: Project, signum: int) -> None:
    server = project.start("mcp")
    assert server.stdin is not None and server.stderr is not None
    server.stdin.write(messages(*[("list", {})] * 40))
    server.stdin.flush()
    answered(server, 0)
    server.send_signal(signum)
    assert server.wait(20) == 128 + signum
    assert server.stderr.read() == b""


SAYS = """\
import json, os, subprocess, sys

def said(environ, home, program, thread, other):
    words = [program, "mcp", "--home", home, "--allow", "answer,exec"]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)

    def ask(id, method, params):
        line = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        server.stdin.write(json.dumps(line).encode() + b"\\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())["result"]

    client = {"name": "editor", "version": "1"}
    ask(0, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
    found = {}
    for name, tool, given in (
        ("own", "show", {}),
        ("told", "tell", {"text": "Mind the words of Ada."}),
        ("told other", "tell", {"thread": other, "text": "Mind mine."}),
        ("answered", "answer", {"thread": thread, "text": "yes"}),
        ("ran", "exec", {"thread": other}),
        ("waited", "wait", {}),
    ):
        found[name] = ask(name, "tools/call", {"name": tool, "arguments": given})["structuredContent"]
    server.stdin.close()
    server.wait()
    return found

little = {"PATH": os.environ["PATH"]}
forged = {**os.environ, "UWF_THREAD": sys.argv[4]}
print(json.dumps([said(environ, *sys.argv[1:]) for environ in (little, forged)]))
"""


def test_an_agent_inside_of_a_step_leaves_words_and_answers_nothing(project: Project) -> None:
    """Its client hands on nothing of the environment that names its thread; or the name of another one."""
    script, said, text = (
        project.file("says.py", SAYS),
        project.cwd / "said",
        project.file("r", reply()),
    )
    thread, other = project.begin(), project.begin()
    words = f'{sys.executable} {script} "$UWF_HOME" {PROGRAM} {thread} {other}'
    agent = project.program("caller", f"cat >/dev/null; {words} >{said}; cat {text}")
    project("thread", "exec", thread, "--agent", agent)
    for found in json.loads(said.read_text()):
        assert (found["own"]["thread"], found["own"]["status"]) == (thread, "running")
        assert (found["told"]["who"], found["told"]["trust"]) == (f"thread {thread}", "bot")
        assert found["told other"]["error"]["code"] == "not_allowed"
        assert "no agent answers its own question" in found["answered"]["error"]["message"]
        assert found["ran"]["error"]["code"] == found["waited"]["error"]["code"] == "inside_a_step"
    assert [word["text"] for word in project.show(thread)["told"]] == ["Mind the words of Ada."] * 2
    assert project.show(other)["told"] == []


def test_a_wrong_word_after_allow_is_told_with_the_nearest(project: Project) -> None:
    error = project("mcp", "--allow", "exce", "--json", expect=2).error
    assert "did you mean exec?" in error["message"]


def test_without_the_library_it_says_what_installs_it(project: Project, tmp_path: Path) -> None:
    hides = "import sys\nsys.modules['mcp_types'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hides)
    done = project("mcp", expect=2, env={"PYTHONPATH": str(tmp_path)})
    assert done.err.endswith("hint: pip install 'uwf[mcp]'\n")
    project("thread", "list", env={"PYTHONPATH": str(tmp_path)})
