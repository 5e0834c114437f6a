"""A model that is asked over HTTP: its answers, its refusals, and its end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.fake_model import FakeModel, serving
from uwf import clock
from uwf.agent.kinds import make
from uwf.agent.protocol import (
    AgentEvent,
    AgentRequest,
    AgentResult,
    Model,
    Text,
    Thinking,
    Usage,
)
from uwf.agent.stop import Stop

EVENTS = {"content-type": "text/event-stream"}
KEY = "not-a-look-alike"


def event(said: Any) -> bytes:
    return b"data: %b\n\n" % (said if isinstance(said, bytes) else json.dumps(said).encode())


def chunk(ends: str | None = None, **delta: str) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": ends}
    return event({"model": "small", "choices": [choice]})


USED = event(
    {
        "choices": [],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 40},
        },
    }
)
DONE = event(b"[DONE]")


class Asked:
    """Asks the model of a test."""

    def __init__(self, model: FakeModel, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.events: list[AgentEvent] = []
        self.stop = Stop()
        self.heard: Callable[[AgentEvent], object] = bool
        self.settings: dict[str, Any] = {"base_url": f"{model.url}/v1"}

    def __call__(self, **asked: Any) -> AgentResult:
        agent = make("openai", "m", (), self.settings)
        request = AgentRequest(
            **{
                "prompt": "Do it.",
                "cwd": "/",
                "env": {"MY_MODEL": KEY},
                "session": None,
                "mark": "m",
                "spool_dir": str(self.folder),
                "model": "small",
                "timeout_s": 20.0,
                **asked,
            }
        )

        def hear(said: AgentEvent) -> None:
            self.events.append(said)
            self.heard(said)

        started: list[object] = []
        came = agent.run(request, stop=self.stop, on_start=started.append, on_event=hear)
        assert started == [None]
        return came


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with serving() as model:
        found = Asked(model, tmp_path)
        yield found
        found.stop.close()


def test_a_reply_is_heard_as_it_comes(asked: Asked) -> None:
    heard = threading.Event()
    asked.heard = lambda said: heard.set() if said == Text("Hel") else None
    asked.model.will(
        b": a sign of life\n\n",
        chunk(role="assistant", content=""),
        chunk(reasoning_content="h"),
        chunk(reasoning="m"),
        chunk(content="Hel"),
        lambda: heard.wait(10),
        chunk(content="lo, W\u00f6rld")[:-12],
        chunk(content="lo, W\u00f6rld")[-12:],
        chunk("stop"),
        USED,
        DONE,
        headers=EVENTS,
    )
    came = asked()
    assert heard.is_set()
    assert (came.text, came.tail, came.failure) == ("Hello, W\u00f6rld", "lo, W\u00f6rld", None)
    assert (came.session, came.process) == (None, None)
    used = Usage({"tokens": 107})
    assert asked.events == [Model("small"), Thinking("hm"), Text("Hel"), used]
    assert came.usage == used.amounts
    [request] = asked.model.asked
    assert request["path"] == "/v1/chat/completions"
    assert "authorization" not in request["headers"]
    assert request["body"] == {
        "model": "small",
        "messages": [{"role": "user", "content": "Do it."}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_what_is_set_for_it_goes_with_the_request(asked: Asked) -> None:
    asked.settings |= {
        "key_env": "MY_MODEL",
        "parameters": {"temperature": 0.5},
        "prices": {"small": {"input": 10.0, "cached": 1.0, "output": 100.0}},
    }
    asked.model.will(chunk("stop", content="x"), USED, DONE, headers=EVENTS)
    came = asked(prompt="half \ud800")
    assert came.usage == {"tokens": 107, "usd": 0.00134}
    [request] = asked.model.asked
    assert request["headers"]["authorization"] == f"Bearer {KEY}"
    assert request["body"]["temperature"] == 0.5
    assert request["body"]["messages"][0]["content"] == "half \ufffd"


def test_one_that_does_not_stream_is_heard_at_its_end(asked: Asked) -> None:
    asked.model.will_say(
        {
            "model": "small",
            "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "cost": 0.25},
        },
        content_type="application/json; charset=utf-8",
    )
    came = asked()
    assert (came.text, came.failure, came.usage) == ("Hello", None, {"tokens": 4, "usd": 0.25})


def responded(status: str, *output: str, **more: Any) -> dict[str, Any]:
    items = [{"type": "message", "content": [{"type": "output_text", "text": t}]} for t in output]
    used = {"input_tokens": 100, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 3}}
    return {"model": "big", "status": status, "output": items, "usage": used, **more}


def test_responses_are_heard_as_they_come(asked: Asked) -> None:
    asked.settings["api"] = "responses"
    begun = {"model": "big", "status": "in_progress"}
    asked.model.will(
        b"event: response.created\n" + event({"type": "response.created", "response": begun}),
        event({"type": "response.reasoning_summary_text.delta", "delta": "hm"}),
        event({"type": "response.output_text.delta", "delta": "Hel"}),
        event({"type": "response.output_text.delta", "delta": "lo"}),
        event({"type": "response.completed", "response": responded("completed", "Hello")}),
        lambda: time.sleep(0.01),
        headers=EVENTS,
    )
    came = asked()
    assert (came.text, came.failure, came.usage) == ("Hello", None, {"tokens": 107})
    assert asked.events == [Model("big"), Thinking("hm"), Usage({"tokens": 107})]
    [request] = asked.model.asked
    assert request["path"] == "/v1/responses"
    assert request["body"] == {"model": "small", "input": "Do it.", "stream": True, "store": False}


def test_a_response_in_one_document_is_heard(asked: Asked) -> None:
    asked.settings["api"] = "responses"
    asked.model.will_say(responded("completed", "Hel", "lo"), content_type="application/json")
    assert asked().text == "Hello"


@pytest.mark.parametrize(
    ("api", "parts", "failure_class", "said"),
    [
        ("chat", [chunk("length", content="x"), DONE], "exit_code", "finish_reason length"),
        ("chat", [event({"error": {"message": "no", "code": 429}})], "quota", "no"),
        ("chat", [event({"error": "overloaded"})], "network", "overloaded"),
        ("chat", [chunk(content="x")], "network", "its answer was cut"),
        ("chat", [b"data: {\n\n", b"data: 7\n\ndata:\n\n"], "network", "its answer was cut"),
        (
            "responses",
            [
                event(
                    {
                        "type": "error",
                        "code": "rate_limit_exceeded",
                        "message": "Rate limit reached",
                    }
                )
            ],
            "quota",
            "Rate limit",
        ),
        (
            "responses",
            [
                event(
                    {
                        "type": "response.failed",
                        "response": responded("failed", error={"message": "no"}),
                    }
                )
            ],
            "exit_code",
            "no",
        ),
        (
            "responses",
            [
                event(
                    {
                        "type": "response.incomplete",
                        "response": responded(
                            "incomplete", incomplete_details={"reason": "max_output_tokens"}
                        ),
                    }
                )
            ],
            "exit_code",
            "max_output_tokens",
        ),
    ],
)
def test_only_a_whole_answer_is_a_reply(
    asked: Asked, api: str, parts: list[bytes], failure_class: str, said: str
) -> None:
    asked.settings["api"] = api
    asked.model.will(*parts, headers=EVENTS)
    failed = asked().failure
    assert failed is not None and failed.failure_class == failure_class
    assert said in f"{failed.message}: {failed.said}"


def test_a_stream_that_is_cut_is_a_fault_of_the_network(asked: Asked) -> None:
    asked.model.will(chunk(content="x"), headers=EVENTS, is_cut=True)
    came = asked()
    assert came.failure is not None and came.failure.failure_class == "network"
    assert came.text == "x"


NOW_MS = 1_800_000_000_000
IN_A_MINUTE_MS = NOW_MS + 60_000


@pytest.mark.parametrize(
    ("status", "headers", "failure_class", "resets_ms", "is_hopeless"),
    [
        (401, {}, "authentication", None, False),
        (403, {}, "authentication", None, False),
        (400, {}, "exit_code", None, True),
        (404, {}, "exit_code", None, True),
        (413, {}, "exit_code", None, True),
        (307, {"location": "https://other/"}, "exit_code", None, True),
        (429, {}, "quota", None, False),
        (429, {"retry-after": "60"}, "quota", IN_A_MINUTE_MS, False),
        (
            429,
            {"retry-after": formatdate(IN_A_MINUTE_MS / 1000, usegmt=True)},
            "quota",
            IN_A_MINUTE_MS,
            False,
        ),
        (429, {"retry-after-ms": "60000"}, "quota", IN_A_MINUTE_MS, False),
        (429, {"x-ratelimit-reset": str(IN_A_MINUTE_MS // 1000)}, "quota", IN_A_MINUTE_MS, False),
        (429, {"x-ratelimit-reset": str(IN_A_MINUTE_MS)}, "quota", IN_A_MINUTE_MS, False),
        (
            429,
            {
                "x-ratelimit-remaining-requests": "12",
                "x-ratelimit-reset-requests": "4m2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "1m0s",
            },
            "quota",
            IN_A_MINUTE_MS,
            False,
        ),
        (500, {}, "network", None, False),
        (503, {"retry-after": "60"}, "network", None, False),
    ],
)
def test_a_refusal_is_of_the_class_of_its_status(
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[str, str],
    failure_class: str,
    resets_ms: int | None,
    is_hopeless: bool,
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: NOW_MS)
    asked.model.will(b'{"error": {"message": "It', b' says no."}}', status=status, headers=headers)
    failed = asked().failure
    assert failed is not None
    assert failed.said == headers.get("location", "It says no.")
    found = (failed.failure_class, failed.resets_ms, failed.is_hopeless)
    assert found == (failure_class, resets_ms, is_hopeless)


def test_nobody_there_is_a_fault_of_the_network(asked: Asked) -> None:
    asked.settings["base_url"] = "http://127.0.0.1:1"
    failed = asked().failure
    assert failed is not None
    assert (failed.failure_class, failed.is_hopeless) == ("network", False)
    assert failed.message == "agent m: its service cannot be reached"


def test_what_is_no_such_service_is_not_asked_again(asked: Asked) -> None:
    asked.model.will(b"<html>", headers={"content-type": "text/html"})
    failed = asked().failure
    assert failed is not None and failed.is_hopeless
    assert "text/html" in failed.message


@pytest.mark.parametrize(
    ("settings", "model", "failure_class", "said"),
    [
        (
            {"key_env": "NOT_SET"},
            "small",
            "authentication",
            "NOT_SET, which key_env names, is not set",
        ),
        ({}, None, "spawn_failed", "agents.m.model is not set"),
        ({"base_url": None}, "small", "spawn_failed", "agents.m.base_url is not set"),
    ],
)
def test_what_is_not_set_is_told_and_nobody_is_asked(
    asked: Asked, settings: dict[str, str], model: str | None, failure_class: str, said: str
) -> None:
    asked.settings |= settings
    failed = asked(model=model).failure
    assert failed is not None and failed.is_hopeless
    assert failed.failure_class == failure_class
    assert said in failed.message
    assert asked.model.asked == []


@pytest.mark.parametrize("says", [[], [chunk(content="x")]])
@pytest.mark.parametrize("why", ["stopped", "timeout", "stall"])
def test_one_that_hangs_is_given_up(asked: Asked, why: str, says: list[bytes]) -> None:
    over = threading.Event()
    asked.model.will(*says, lambda: over.wait(10), headers=EVENTS)
    if why == "stopped":
        threading.Timer(0.2, asked.stop.request).start()
    limits = (
        {}
        if why == "stopped"
        else {"timeout_s": 0.2}
        if why == "timeout"
        else {"stall_timeout_s": 0.2}
    )
    began_s = time.monotonic()
    came = asked(**limits)
    assert time.monotonic() - began_s < 2
    over.set()
    assert came.failure is not None and came.failure.code == why
    assert came.text == "".join("x" for _ in says)
    assert not [thread for thread in threading.enumerate() if thread.name == "post"]


def test_one_that_never_ends_is_given_up(asked: Asked) -> None:
    asked.model.will(*[chunk(content="x" * 50_000)] * 100, headers=EVENTS)
    came = asked(output_limit_bytes=1_000_000)
    assert came.failure is not None and came.failure.code == "output_limit"
    asked.model.will(b"data: ", *[b"x" * 50_000] * 200, headers=EVENTS)
    came = asked()
    assert came.failure is not None and came.failure.code == "output_limit"


def test_what_hears_it_may_break(asked: Asked) -> None:
    def breaks(_said: AgentEvent) -> None:
        raise KeyError("x")

    asked.heard = breaks
    asked.model.will(chunk(content="x"), lambda: time.sleep(0.5), headers=EVENTS)
    with pytest.raises(KeyError):
        asked()
    assert not [thread for thread in threading.enumerate() if thread.name == "post"]


def test_a_host_that_does_not_answer_holds_nobody(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def connects(_connection: object) -> None:
        over.wait(10)
        raise OSError("it took too long")

    monkeypatch.setattr("http.client.HTTPConnection.connect", connects)
    monkeypatch.setattr("uwf.agent.clients.http_post.ENDING_S", 0.1)
    began_s = time.monotonic()
    came = asked(timeout_s=0.2)
    assert came.failure is not None and came.failure.code == "timeout"
    assert time.monotonic() - began_s < 2
    [post] = [thread for thread in threading.enumerate() if thread.name == "post"]
    over.set()
    post.join(5)
    assert not post.is_alive(), "what was given up ends by itself"


def test_a_proxy_of_the_environment_is_gone_through(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", asked.model.url)
    monkeypatch.delenv("no_proxy", raising=False)
    asked.settings["base_url"] = "http://model.invalid/v1"
    asked.model.will(chunk("stop", content="x"), DONE, headers=EVENTS)
    assert asked().text == "x"
    assert asked.model.asked[0]["path"] == "http://model.invalid/v1/chat/completions"
