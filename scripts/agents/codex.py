"""What is said of Codex."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Sequence

from agents.bench import Bench, until

FIRST = {"tokens": 111, "usd": 0.0001713}
"""What the first prompt of a session costs: 104 tokens in, 3 of them cached, and 7 out, at the prices below."""


def configured(
    bench: Bench, more: str = "", api: str | None = None, names: Sequence[str] = ("codex",)
) -> None:
    """Codex, whose service is the fake API, as agents of these names."""
    folder = bench.user / ".codex"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(
        f"""model = "fake-model"
model_provider = "fake"
[model_providers.fake]
name = "fake"
base_url = "{api or bench.api}/v1"
env_key = "FAKE_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
"""
    )
    agents = (
        f"""[agents.{name}]
kind = "codex"
model = "fake-model"
{more}
[agents.{name}.env]
FAKE_KEY = "key"
[agents.{name}.prices.fake-model]
input = 1.0
cached = 0.1
output = 10.0
"""
        for name in names
    )
    bench.config(f'default_agent = "{names[0]}"\n' + "".join(agents))


def goes_on_in_its_session_and_counts_once(bench: Bench) -> None:
    """The next round goes on in the same session, a fork of the thread in a fork of it, and all is counted once."""
    configured(bench)
    thread = bench.start(bench.says())
    assert bench.json("thread", "exec", thread)["usage"] == FIRST
    inputs = [len(bench.requests()[-1]["input"])]
    fork = bench.json("thread", "fork", thread)["thread"]
    assert (
        bench.json("thread", "resume", thread, "--supplement", bench.says())["status"]
        == "completed"
    )
    inputs.append(len(bench.requests()[-1]["input"]))
    assert bench.json("thread", "exec", fork, "--supplement", bench.says())["status"] == "completed"
    inputs.append(len(bench.requests()[-1]["input"]))
    assert inputs[0] < inputs[1] < inputs[2], inputs
    used = bench.steps(thread)[-1]["usage"]["tokens"], bench.steps(fork)[-1]["usage"]["tokens"]
    assert used == (100 + inputs[1] + 7, 100 + inputs[2] + 7), (used, inputs)


def a_reply_is_corrected_in_the_same_session(bench: Bench) -> None:
    """A reply that does not fit is asked again in the same session."""
    configured(bench)
    thread = bench.start("Write.")
    assert bench.json("thread", "exec", thread, code=6)["error"]["code"] == "bad_reply"
    inputs = [len(sent["input"]) for sent in bench.requests()]
    assert len(inputs) == 3 and inputs[0] < inputs[1] < inputs[2], inputs


def a_session_that_is_gone_begins_anew(bench: Bench) -> None:
    """A session that Codex does not know any more is begun anew with the same prompt."""
    configured(bench)
    thread = bench.start(bench.says())
    bench.uwf("thread", "exec", thread)
    for file in (bench.user / ".codex" / "sessions").rglob("*.jsonl"):
        file.unlink()
    assert bench.json("thread", "resume", thread, "--supplement", bench.says())["usage"] == FIRST


def failures_have_their_class(bench: Bench) -> None:
    """401 and 403 are of authentication, 429 of a quota, 500, 529 and a cut stream of the network; 400, 404 and 413 are
    hopeless.
    """
    classes = {
        "status=401": "authentication",
        "status=403": "authentication",
        "status=429": "quota",
        "status=500": "network",
        "status=529": "network",
        "cut": "network",
        "status=400": "exit_code",
        "status=404": "exit_code",
        "status=413": "exit_code",
    }
    names = [f"codex-{number}" for number in range(len(classes))]
    configured(bench, names=names)  # one that has met its limit is left alone
    for name, (mark, failure_class) in zip(names, classes.items(), strict=True):
        thread = bench.start(f"Write. [[{mark}]]")
        is_transient = failure_class in ("network", "quota")
        bench.uwf("thread", "exec", thread, "--agent", name, code=75 if is_transient else 6)
        failed = bench.failed(thread)
        assert failed["code"] == failure_class, (mark, failed)
        is_hopeless = "another try would fail likewise" in failed["message"]
        assert is_hopeless == (failure_class == "exit_code"), (mark, failed)


def an_endless_wait_for_the_network_is_ended(bench: Bench) -> None:
    """Where nobody listens it does not wait without end, and the network has failed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    configured(bench, 'stall_timeout = "3s"', f"http://127.0.0.1:{port}")
    thread, began_s = bench.start(bench.says()), time.monotonic()
    bench.uwf("thread", "exec", thread, code=75)
    assert time.monotonic() - began_s < 20
    failed = bench.failed(thread)
    assert failed["code"] == "network" and "Reconnecting" in failed["message"], failed


def one_that_hangs_is_ended(bench: Bench) -> None:
    """One that says nothing is ended by the stall clock; resume goes on in the same session."""
    configured(bench, 'stall_timeout = "2s"')
    thread = bench.start("Write. [[hang=60]]")
    bench.uwf("thread", "exec", thread, code=6)
    assert bench.failed(thread)["code"] == "stall"
    before = len(bench.requests()[-1]["input"])
    bench.uwf("thread", "resume", thread, code=6)
    assert len(bench.requests()[-1]["input"]) > before


def the_sandbox_holds_and_is_told(bench: Bench) -> None:
    """A command that is kept from writing, and goes on, is told as denied; workspace-write lets it write."""
    configured(bench, 'permissions = "read-only"')
    thread = bench.start(bench.says("[[bash=touch made; ls]]"))
    bench.uwf("thread", "exec", thread)
    [step] = bench.steps(thread)
    assert not (bench.work / "made").exists() and "touch made" in step["denied"][0], step
    configured(bench, 'permissions = "workspace-write"')
    thread = bench.start(bench.says("[[bash=touch made]]"))
    bench.uwf("thread", "exec", thread)
    [step] = bench.steps(thread)
    assert (bench.work / "made").exists() and step["denied"] == [], step


def a_kill_leaves_nothing_and_loses_no_session(bench: Bench) -> None:
    """SIGKILL of uwf, and of Codex, while it uses a tool: nothing survives, and the session goes on."""
    configured(bench)
    thread = bench.start(bench.says("[[bash=sleep 300]]"))
    for victim in ("uwf", "codex"):
        running = bench.begin("thread", "exec", thread)
        until(lambda: any("sleep 300" in line for line in bench.processes().values()), "its tool")
        if victim == "uwf":
            running.kill()
        else:
            for pid, line in bench.processes().items():
                if "exec --json" in line:
                    os.kill(pid, signal.SIGKILL)
        running.wait()
        bench.uwf("thread", "stop", thread)
        until(lambda: not bench.processes(), "nothing survives", 5)
    before = len(bench.requests()[-1]["input"])
    running = bench.begin("thread", "resume", thread)
    until(lambda: len(bench.requests()[-1]["input"]) > before, "its session goes on")
    until(lambda: any("sleep 300" in line for line in bench.processes().values()), "its tool")
    running.terminate()
    running.wait()
    until(lambda: not bench.processes(), "nothing survives", 5)


CLAIMS = (
    goes_on_in_its_session_and_counts_once,
    a_reply_is_corrected_in_the_same_session,
    a_session_that_is_gone_begins_anew,
    failures_have_their_class,
    an_endless_wait_for_the_network_is_ended,
    one_that_hangs_is_ended,
    the_sandbox_holds_and_is_told,
    a_kill_leaves_nothing_and_loses_no_session,
)
