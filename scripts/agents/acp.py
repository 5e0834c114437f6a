"""What is said of an agent that speaks the Agent Client Protocol: claude-agent-acp."""

from __future__ import annotations

import os
import signal

from agents.bench import Bench, until


def configured(bench: Bench, more: str = "", api: str | None = None) -> None:
    """claude-agent-acp, whose service is the fake API."""
    bench.config(
        f"""default_agent = "acp"
[agents.acp]
kind = "acp"
command = "claude-agent-acp"
{more}
[agents.acp.env]
ANTHROPIC_BASE_URL = "{api or bench.api}"
ANTHROPIC_API_KEY = "sk-fake"
CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC = "1"
DISABLE_TELEMETRY = "1"
DISABLE_AUTOUPDATER = "1"
DISABLE_ERROR_REPORTING = "1"
CLAUDE_CODE_MAX_RETRIES = "1"
IS_SANDBOX = "1"
"""
    )


def messages(bench: Bench) -> int:
    """How many messages the API was sent last."""
    return len(bench.requests()[-1]["messages"])


def goes_on_in_its_session_and_counts_once(bench: Bench) -> None:
    """The next round goes on in the same session, a fork of the thread in a fork of it, and all is counted once."""
    configured(bench)
    thread = bench.start(bench.says())
    first = bench.json("thread", "exec", thread)["usage"]
    sent = [messages(bench)]
    fork = bench.json("thread", "fork", thread)["thread"]
    for id in (fork, thread):
        bench.uwf("thread", "exec", id, "--supplement", bench.says())
        sent.append(messages(bench))
    assert sent[0] < sent[1] == sent[2], sent
    later = bench.steps(thread)[-1], bench.steps(fork)[-1]
    assert later[0]["usage"] == later[1]["usage"], later
    for name in ("tokens", "usd"):
        assert first[name] <= later[0]["usage"][name] < 2 * first[name], (first, later[0])


def a_reply_is_corrected_in_the_same_session(bench: Bench) -> None:
    """A reply that does not fit is asked again in the same session."""
    configured(bench)
    thread = bench.start("Write.")
    assert bench.json("thread", "exec", thread, code=6)["error"]["code"] == "bad_reply"
    sent = [len(body["messages"]) for body in bench.requests()]
    assert sent == sorted(set(sent)) and len(sent) == 3, sent


def a_session_that_is_gone_begins_anew(bench: Bench) -> None:
    """A session that the agent does not know any more is begun anew with the same prompt."""
    configured(bench)
    thread = bench.start(bench.says())
    bench.uwf("thread", "exec", thread)
    first = messages(bench)
    for file in (bench.user / ".claude" / "projects").rglob("*.jsonl"):
        file.unlink()
    bench.uwf("thread", "resume", thread, "--supplement", bench.says())
    assert messages(bench) == first


def a_mode_and_a_model_are_set(bench: Bench) -> None:
    """`permissions` is a mode of the agent, `model` an option; what it does not have is refused with what it has."""
    configured(bench, 'model = "sonnet"\npermissions = "acceptEdits"')
    thread = bench.start(bench.says())
    bench.uwf("thread", "exec", thread)
    assert "sonnet" in bench.requests()[-1]["model"]
    assert bench.steps(thread)[0]["model"] == "sonnet"
    for setting, said in (
        ('model = "nonsense"', "takes no model"),
        ('permissions = "nonsense"', "takes no mode"),
    ):
        configured(bench, setting)
        thread = bench.start(bench.says())
        bench.uwf("thread", "exec", thread, code=6)
        message = bench.failed(thread)["message"]
        assert said in message and ("sonnet" in message or "acceptEdits" in message), message


def failures_have_their_class(bench: Bench) -> None:
    """401 is of authentication, 500 and 529 are of the network, 404 is hopeless, 429 of a quota."""
    configured(bench)
    for status, failure_class in {
        401: "authentication",
        500: "network",
        529: "network",
        404: "exit_code",
        429: "quota",
    }.items():
        thread = bench.start(f"Write. [[status={status}]]")
        is_transient = failure_class in ("network", "quota")
        bench.uwf("thread", "exec", thread, code=75 if is_transient else 6)
        failed = bench.failed(thread)
        assert failed["code"] == failure_class, (status, failed)
        assert ("another try would fail" in failed["message"]) == (status == 404), failed


def one_that_hangs_is_ended(bench: Bench) -> None:
    """One that says nothing is ended by the stall clock, and nothing of it survives."""
    configured(bench, 'stall_timeout = "5s"')
    thread = bench.start("Write. [[hang=60]]")
    bench.uwf("thread", "exec", thread, code=6)
    assert bench.failed(thread)["code"] == "stall", bench.failed(thread)
    until(lambda: not bench.processes(), "nothing survives", 5)


def what_it_asks_is_decided_by_policy(bench: Bench) -> None:
    """`deny` refuses and says so, `allow` allows."""
    for policy in ("deny", "allow"):
        configured(bench, f'on_permission = "{policy}"')
        thread = bench.start(bench.says("[[bash=touch made]]"))
        bench.uwf("thread", "exec", thread)
        [step] = bench.steps(thread)
        is_allowed = policy == "allow"
        assert (bench.work / "made").exists() == is_allowed
        assert ("touch made" in str(step["denied"])) != is_allowed, step


def a_person_says_yes_to_exactly_that_once(bench: Bench) -> None:
    """With `ask` the thread is suspended with the question; a yes lets the same call pass, once, and no other."""
    configured(bench, 'on_permission = "ask"')
    made = bench.work / "made"
    thread = bench.start(bench.says("[[bash=echo x >> made]]"))
    asked = bench.json("thread", "exec", thread, code=3)
    assert "echo x >> made" in asked["suspendMessage"] and not made.exists(), asked
    [item] = bench.json("inbox")
    assert item["kind"] == "approval" and item["thread"] == thread, item
    bench.uwf("answer", thread, "yes 0000000000000000")
    bench.uwf("thread", "exec", thread)
    assert not made.exists() and "echo x >> made" in str(bench.steps(thread)[-1]["denied"])

    thread = bench.start(bench.says("[[bash=echo x >> made]]"))
    bench.uwf("thread", "exec", thread, code=3)
    bench.uwf("answer", thread, "yes")
    bench.uwf("thread", "exec", thread)
    assert made.read_text() == "x\n", made.read_text()
    bench.uwf(
        "thread", "resume", thread, "--supplement", bench.says("[[bash=echo x >> made]]"), code=3
    )
    assert made.read_text() == "x\n", "the yes was used up"


def a_kill_leaves_nothing_and_loses_no_session(bench: Bench) -> None:
    """SIGKILL of uwf, and of the agent, while it uses a tool: nothing survives, and the session goes on."""
    configured(bench, 'on_permission = "allow"')
    thread = bench.start(bench.says("[[bash=sleep 300]]"))

    def uses_its_tool() -> bool:
        return any("sleep 300" in line for line in bench.processes().values())

    for victim in ("uwf", "agent", "nobody"):
        running = bench.begin("thread", "exec" if victim == "uwf" else "resume", thread)
        if victim == "agent":
            running.wait()  # it is idle, which resume refuses
            running = bench.begin("thread", "exec", thread)
        until(uses_its_tool, "its tool")
        if victim == "uwf":
            running.kill()
        elif victim == "nobody":
            running.terminate()
        else:
            for pid, line in bench.processes().items():
                if "claude-agent-acp" in line:
                    os.kill(pid, signal.SIGKILL)
        running.wait()
        bench.uwf("thread", "stop", thread)
        until(lambda: not bench.processes(), "nothing survives", 5)
    sent = [len(body["messages"]) for body in bench.requests()]
    assert sent == sorted(set(sent)) and len(sent) == 3, sent


CLAIMS = (
    goes_on_in_its_session_and_counts_once,
    a_reply_is_corrected_in_the_same_session,
    a_session_that_is_gone_begins_anew,
    a_mode_and_a_model_are_set,
    failures_have_their_class,
    one_that_hangs_is_ended,
    what_it_asks_is_decided_by_policy,
    a_person_says_yes_to_exactly_that_once,
    a_kill_leaves_nothing_and_loses_no_session,
)
