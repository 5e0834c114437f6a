"""An error that an agent tells, on either stream or instead of a reply; and prose, which never is one."""

from __future__ import annotations

import json
import textwrap
import time

import pytest

from uwf.agent import failure
from uwf.agent.failure import Diagnosis, classify
from uwf.agent.protocol import AgentFailure, ProcessFacts
from uwf.agent.words import error_lines

FAILED = ProcessFacts("exit", exit_code=1)
HOPELESS = "hopeless"
UNPAID = ("Credit", "402", "Your workspace is out of credits")

MESSAGES = [
    ("API Error: Request rejected (429) · slow down", "quota"),
    ("You've hit your session limit · resets 6:16am (UTC)", "quota"),
    ("You\u2019ve reached your weekly limit.", "quota"),
    ("exceeded retry limit, last status: 429 Too Many Requests", "quota"),
    ("Rate limit reached for gpt-5 in organization org-1: try again in 20s", "quota"),
    ('{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}', "quota"),
    ("Credit balance is too low", "quota"),
    ("Invalid API key · Please run /login", "authentication"),
    ("Not logged in · Please run /login", "authentication"),
    ("Failed to authenticate. API Error: 403 no such key", "authentication"),
    ("unexpected status 401 Unauthorized: bad key, url: http://h/v1", "authentication"),
    ("Missing environment variable: `SOME_API_KEY`.", "authentication"),
    ("529 Overloaded", "network"),
    ("API Error: 500 This is a server-side issue, usually temporary", "network"),
    ("API Error: Unable to connect to API (ConnectionRefused)", "network"),
    ("Unable to connect to API (ENOTFOUND)", "network"),
    ("stream disconnected before completion: stream closed", "network"),
    ("We\u2019re currently experiencing high demand, which may cause temporary errors.", "network"),
    ("unexpected status 529 <unknown status code>: busy", "network"),
    ("API Error (Request timed out.)", "network"),
    ("API Error: terminated", "network"),
    ("The server had an error while processing your request.", "network"),
    ("dial tcp: lookup api.example.com: no such host", "network"),
    ("Sorry, you have been rate limited. Please try again in 5 minutes.", "quota"),
    ("tool: [429] RESOURCE_EXHAUSTED", "quota"),
    ("Spending cap reached resets 1am", "quota"),
    ("Login expired · Please run /login", "authentication"),
    ("API Error: 400 messages: at least one is required", HOPELESS),
    ("There's an issue with the selected model (opus-9). It may not exist.", HOPELESS),
    ("Request too large (max 32MB). Try with a smaller file.", HOPELESS),
    ('{"error":{"message":"bad schema","type":"invalid_request_error"}}', HOPELESS),
    ("429 Too Many Requests", "quota"),
    ("402 Payment Required", "quota"),
    ("You're out of extra usage · resets 7am (UTC)", "quota"),
    ("You have used up your weekly quota. Try again later.", "quota"),
    ("401 Unauthorized", "authentication"),
    ("403 Forbidden", "authentication"),
    ("Our servers are currently overloaded. Please try again later.", "network"),
    ("The engine is currently overloaded, please try again later", "network"),
    ("Service temporarily unavailable", "network"),
    ("502 Bad Gateway", "network"),
    ("upstream connect error or disconnect/reset before headers", "network"),
    (
        "You've hit your usage limit for model-5. Switch to another one now, or try again at 3 PM.",
        "quota",
    ),
    ("You've reached your Some 5 limit. Run /usage to continue or switch models.", "quota"),
    ("You have exhausted your capacity on this model. Your quota will reset after 3h.", "quota"),
    ("Daily token limit reached", "quota"),
    ("client.RateLimitError: ServiceException", "quota"),
    ("Invalid authentication credentials", "authentication"),
    ("OAuth session expired and could not be refreshed", "authentication"),
    ("Context length exceeded", HOPELESS),
    ("Error: 529", "network"),
    ("Error 522: connection timed out", "network"),
    ("error sending request for url (https://api.example.com/v1)", "network"),
    ('{\n  "error": {\n    "type": "overloaded_error"\n  }\n}', "network"),
    ("413 Payload Too Large", HOPELESS),
    ("400 Bad Request", HOPELESS),
    ("404 Not Found", HOPELESS),
    ("Error 400: Bad Request", HOPELESS),
    ("The model `some-9` does not exist or you do not have access to it.", HOPELESS),
    ("Invalid API key provided: sk-1", "authentication"),
    ("Forbidden: your account has been suspended", "authentication"),
    ("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more", "quota"),
    ("You've hit your usage limit. To get more access, send a request to your admin.", "quota"),
    ("maximum context length is 9 tokens. However, your messages resulted in 10.", HOPELESS),
    ("Your workspace is out of credits. Add credits to continue.", "quota"),
    ("✕ [API Error: Quota exceeded for quota metric 'Generate requests']", "quota"),
    ("Attempt 5 failed with status 429. Max attempts reached", "quota"),
    (
        "TerminalQuotaError: You have exhausted your capacity on this model. Your quota "
        "will reset after 3h.",
        "quota",
    ),
    (
        "Error when talking to Some API: TerminalQuotaError: You have exhausted your "
        "capacity on this model. Try later",
        "quota",
    ),
    ("_TerminalQuotaError: You have exhausted your capacity on this model.", "quota"),
    ("Error: Free usage exceeded, add credits https://opencode.ai/zen", "quota"),
    (
        "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited",
        "quota",
    ),
    ("API Error: Stream idle timeout - partial response received", "network"),
    ("API Error: Response stalled mid-stream. The response above may be incomplete.", "network"),
    ("[API Error: Premature close]", "network"),
    ("<html><head><title>502 Bad Gateway</title></head>", "network"),
    ("Error: AI_RetryError: Failed after 3 attempts. Last error: Overloaded", "network"),
    ("Error: Upstream error from OpenRouter: 502 Bad Gateway", "network"),
    ("APIError: Provider returned error (504)", "network"),
    (
        'error: Post "https://api.example.com/v1": dial tcp: lookup api.example.com: no such host',
        "network",
    ),
    (
        "_GaxiosError: request to https://api.example.com/v1 failed, reason: connect "
        "ETIMEDOUT 1.2.3.4:443",
        "network",
    ),
    (
        "Your organization has disabled Claude subscription access for Claude Code · Use "
        "an API key instead, or ask your admin to enable access",
        "authentication",
    ),
    (
        "ERROR: Your access token could not be refreshed because your refresh token was "
        "already used. Please log out and sign in again.",
        "authentication",
    ),
    (
        "Please set an Auth method in your /home/u/.gemini/settings.json or specify one "
        "of the following environment variables before running: GEMINI_API_KEY",
        "authentication",
    ),
    (
        "When using Gemini API, you must specify the GEMINI_API_KEY environment variable.",
        "authentication",
    ),
    (
        "openai.OpenAIError: The api_key client option must be set either by passing "
        "api_key to the client or by setting the OPENAI_API_KEY environment variable",
        "authentication",
    ),
    (
        "Error: AI_LoadAPIKeyError: Anthropic API key is missing. Pass it using the "
        "'apiKey' parameter or the ANTHROPIC_API_KEY environment variable.",
        "authentication",
    ),
    (
        "ERROR: Codex ran out of room in the model's context window. Start a new thread "
        "or clear earlier history before retrying.",
        HOPELESS,
    ),
    ("Error: Model not found: anthropic/claude-9. Did you mean: claude-8?", HOPELESS),
    ("Error: ProviderModelNotFoundError: ProviderModelNotFoundError", HOPELESS),
    ("ModelNotFoundError: Requested entity was not found.", HOPELESS),
]


@pytest.mark.parametrize(("message", "known"), MESSAGES)
@pytest.mark.parametrize("change", ["{}", "\n{}\n\n", "\x1b[31m{}\x1b[0m", "  ■ {}", "{}\r\n"])
def test_message_instead_of_a_reply_is_that_failure(message: str, known: str, change: str) -> None:
    told = failure.of_reply("a", change.replace("{}", message), "Write it.")
    assert told is not None
    assert told.failure_class == ("bad_reply" if known == HOPELESS else known)
    assert told.is_hopeless == (known == HOPELESS or message.startswith(UNPAID))
    assert told.said
    assert told.said in message or "{" in message


@pytest.mark.parametrize(("message", "known"), MESSAGES)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_class_and_words_are_those_of_the_stream_that_has_them(
    message: str, known: str, stream: str
) -> None:
    said = {"stdout": "I looked at it.\n", "stderr": "", stream: f"Working.\n\n{message}\n"}
    told = failure.of_process("a", FAILED, **said, error="", prompt="Do it.")
    assert told is not None
    assert told.failure_class == ("exit_code" if known == HOPELESS else known)
    assert told.said
    assert ("would fail likewise" in told.message) == told.is_hopeless or message.startswith(UNPAID)


PROSE = [
    "I added handling for the rate limit: HTTP 429, which resets at 11pm.",
    "The client retries when it is overloaded. Invalid API key is now told to the user.",
    "Error handling for the usage limit was added; it resets in 3 hours.",
    "Rate limit reached is now an error of its own. It resets at 11pm.",
    "Too many requests used to end it; it resets in 5 hours.",
    "Quota exceeded: fixed, resets at 11pm",
    "Rate limited callers now wait until 11pm.",
    "API error handling was added for the rate limit, which resets at 11pm.",
    "Session expired users see a rate limit page; it resets in 5 hours.",
    "Rate limits are respected: we wait until 11pm.",
    "- connection refused is tested\n- a rate limit that resets at 23:00 too",
    "This documents the weekly limit, which resets Monday at 9am.",
    "Everything is done.\n\nThe quota was exceeded in the old version (try again in 5 hours).",
    "Note: rate limit reached, resets at 11pm, is what the server says.",
    "Rate limit exceeded errors no longer crash the client, which waits until it resets at 11pm.",
    "Usage limit reached: the banner says that it resets at 11pm.",
    "I have reviewed it.\nRate limit exceeded: the client now waits until it resets at 11pm.\n",
    "Rate limit reached.\nThe client waits until it resets at 11pm.",
    "Weekly limit reached messages name when it resets: Monday 9am.",
    "HTTP 429 is mapped to a banner that says: resets at 11pm.",
    "429 responses wait until the limit resets at 11pm.",
    "You have hit the nail on the head: the rate limit code resets at 11pm.",
    "You have reached the end of my review. The rate limit resets at 11pm.",
    "Please run the tests once the rate limit resets at 11pm.",
    "Retrying logic added. On a rate limit it waits until it resets at 11pm.",
    "Findings: no handling of a rate limit that resets at 11pm.",
    "Error: rate limit reached is what the client now shows, with resets at 11pm.",
    "Error: three tests failed.\nThe rate limit branch resets at 11pm.",
    "Overloaded operators removed from class Vec.",
    "Unauthorized users get a redirect.",
    "Not logged in users see the page.",
    "Bad gateway pages are cached.",
    "404 pages are styled.",
    "Invalid token handling was added.",
    "Rate limit exceeded, in the new copy, reads: resets at 11pm.",
    "Rate limit hit. Resets at 11pm. These are the two strings I changed.",
    "Usage limit reached, resets at 11pm: this is the string I translated.",
    "| Rate limit reached | resets at 11pm |\n| Usage limit | resets at 9pm |",
    "Error: none. The rate limit resets at 11pm as asked.",
    "api: rate limit resets at 11pm",
    "HTTP 429: I added a branch; the limit resets at 11pm.",
    "HTTP 401 for guests is tested.",
    "Credit balance is too low: the warning is gone.",
    "Connection reset by the user no longer fails.",
    "Cannot reach the old branch any more, so I deleted it.",
    "Out of memory handling was added to the parser.",
    "Please log in to see the page I made.",
    "```\nError: rate limit reached, resets at 11pm\n```\nis what the user sees.",
    "You've reached the point where the quota resets at 11pm.",
    "docs: usage limit reached, resets at 11pm",
    "Rate limit exceeded; the new copy is: resets at 11pm",
    '{"summary": "an error: rate limit, resets at 11pm", "error": null}',
    '{"$status": "aproved", "summary": "the error for a rate limit now says resets at 11pm"}',
    '{"$status": "failed", "error": "usage limit reached, resets at 11pm"}',
    '{"type":"result","is_error":false,"result":"The error is a rate limit, resets at 11pm."}',
    "Session limit: 30 minutes, resets at 3am; both are in config.yaml.",
    "5-hour limit reached ∙ resets 3pm: golden file updated.",
    "Weekly limit: done. Resets Monday 9am.",
    "Our weekly limit was reached in the demo, resets at 3pm; screenshots attached.",
    "Quota exhausted by the crawler until 5pm; blocked it.",
    "Rate limit: 60/min, resets every minute.",
    "rate_limit_exceeded: enum value, resets_at: 3pm in the sample",
    "Could not connect to localhost:5432; please start postgres.",
    "Failed to resolve import './x' from src/main.ts",
    "Connection refused. That was because postgres was down; started it.",
    "No API key found in the sources. The scan is clean.",
    "Invalid token: unexpected '}' in line 3",
    "404 Not Found: the route /users was missing.",
    "Out of memory in CI: lowered the workers to 2.",
    "The model `user` does not exist in schema.prisma",
    "Error: expected status 429, got 200",
    "AssertionError: expected 429 Too Many Requests, got 200",
    "Failed: 3 tests in test_quota.py (rate limit resets at 5pm).",
    "Connection reset: seen twice in the log, until 5pm.",
    "Rate limit reached; checked that it resets at 5pm.",
    "Model not found: I created app/models/user.rb",
    "Daily limit: 40 runs, resets at 1am; set in limits.toml.",
    "Too many requests, 429: the fixture was refreshed.",
    "Access denied: the folder had the wrong owner.",
    "Unable to connect to the database; I started it.",
    "Error: expected status 401, got 200",
    "AssertionError: expected 'overloaded' to equal 'idle'",
    "Service unavailable. It came from the proxy, so I restarted that.",
]


@pytest.mark.parametrize("prose", PROSE)
def test_prose_never_pauses_anything(prose: str) -> None:
    assert failure.of_reply("a", prose, "Write it.") is None
    for streams in ((prose, ""), ("", prose), (prose, prose)):
        found = classify("exit_code", 1, None, streams[1], streams[0], "")
        assert found == Diagnosis("exit_code")


QUOTED = """Root cause: upstream 429.

    API Error: Request rejected (429), resets at 5pm

"""


@pytest.mark.parametrize(
    ("ending", "known"),
    [
        ("I propose a retry.", "exit_code"),
        ("It comes from the old client:\n- retry\n- wait", "exit_code"),
        ("", "quota"),
        ("Please try again later.", "quota"),
        ("To resume this session, run it with 7.", "quota"),
        ("tokens used: 7", "quota"),
    ],
)
def test_error_with_a_sentence_behind_it_is_quoted_by_what_an_agent_says(
    ending: str, known: str
) -> None:
    assert classify("exit_code", 1, None, "", QUOTED + ending, "").failure_class == known


TASK = """Our service says "usage limit reached, resets at 11pm" too often.

HTTP 429 Too Many Requests: rate limit exceeded, try again in 7 hours
Error: 401 unauthorized

Make it a message of its own, with a time that people can read, and cover it."""


@pytest.mark.parametrize(
    "printed",
    [
        TASK,
        TASK.replace("\n", "\r\n"),
        textwrap.fill(TASK, 30, replace_whitespace=False),
        textwrap.indent(TASK, "    "),
        "".join(f"\x1b[36m{line}\x1b[0m\n" for line in TASK.split("\n")),
        TASK[40:],
        TASK[:150],
    ],
)
def test_printed_task_is_not_what_the_agent_failed_of(printed: str) -> None:
    stderr = f"OpenAI Codex v1\n--------\nuser\n{printed}\n"
    told = failure.of_process("a", FAILED, stdout=printed, stderr=stderr, error="", prompt=TASK)
    assert told is not None
    assert (told.failure_class, told.resets_ms) == ("exit_code", None)
    assert failure.of_reply("a", printed, TASK) is None
    ended = stderr + "ERROR: stream disconnected before completion: closed\n"
    told = failure.of_process("a", FAILED, stdout="", stderr=ended, error="", prompt=TASK)
    assert told is not None
    assert told.failure_class == "network"
    assert told.said.startswith("ERROR: stream disconnected")


@pytest.mark.parametrize(
    ("stdout", "stderr", "said"),
    [
        ("Working.\nAPI Error: 529 busy\n", "", "API Error: 529 busy"),
        ("API Error: 529 busy\n", "(node:7) a deprecated thing\n", "API Error: 529 busy"),
        ("Error: a\nError: b\nbye\n", "", "Error: b"),
        ("Error: a\n", "Error: c\n", "Error: c"),
        ("Fine so far.\n", "no such file\n", "no such file"),
        ("Fine so far.\n\nBye.\n", "", "Bye."),
        ("", "", ""),
        ("[ERROR] the config is broken\nbye\n", "", "[ERROR] the config is broken"),
        ("ERROR boom\nbye\n", "", "ERROR boom"),
        ("err: boom\nbye\n", "", "err: boom"),
        ("Execution error\nbye\n", "", "Execution error"),
        ("thread 'main' panicked at a.rs:1:\nboom\n", "", "thread 'main' panicked at a.rs:1:"),
        (
            "No conversation found with session ID: 7\nbye\n",
            "",
            "No conversation found with session ID: 7",
        ),
        ('On it.\n{\n  "error": {\n    "message": "too odd"\n  }\n}\n', "", "too odd"),
        ("", '{"error":{"message":"too odd"}}\n', "too odd"),
        ('{"type":"turn.failed","error":{"message":"too busy"}}\n', "", "too busy"),
        ('{"type":"result","is_error":true,"result":"API Error: 500 x"}\n', "", "API Error: 500 x"),
    ],
)
def test_message_is_what_the_agent_said(stdout: str, stderr: str, said: str) -> None:
    told = failure.of_process("a", FAILED, stdout=stdout, stderr=stderr, error="")
    assert told is not None
    assert told.said == said


@pytest.mark.parametrize(
    "reply",
    [
        "---\n$status: done\n---\n{}\n",
        "```yaml\n$status: done\n```\n{}\n",
        "---\n$status: no such status\n---\n\n" + "It is long.\n" * 900 + "{}\n",
        "<think>\n{}\n</think>\nI am done.\n",
    ],
)
@pytest.mark.parametrize("facts", [FAILED, ProcessFacts("signal", signal=9)])
def test_reply_of_an_agent_that_then_fails_is_no_evidence(reply: str, facts: ProcessFacts) -> None:
    text = reply.replace("{}", "Error: usage limit reached, resets at 11pm")
    told = failure.of_process("a", facts, stdout=text, stderr="", error="")
    assert told is not None
    assert (told.failure_class, told.resets_ms) == (told.code, None)


def test_form_that_was_printed_with_the_prompt_is_no_reply() -> None:
    prompt = "Reply so:\n\n---\n$status: done\n---\n"
    stdout = f"{prompt}\nInvalid API key\n"
    told = failure.of_process("a", FAILED, stdout=stdout, stderr="", error="", prompt=prompt)
    assert told is not None
    assert told.failure_class == "authentication"


@pytest.mark.parametrize(
    ("words", "known"),
    [("API Error: 529 Overloaded", "network"), ("Invalid API key", "authentication")],
)
@pytest.mark.parametrize("models", [1, 20, 900])
def test_last_line_of_json_counts_however_much_stands_behind_the_error(
    words: str, known: str, models: int
) -> None:
    said = {
        "type": "result",
        "is_error": True,
        "result": words,
        "modelUsage": {f"model-{number}": {"outputTokens": 7} for number in range(models)},
        "permission_denials": [{"tool_input": "grep 'rate limit exceeded, resets at 11pm'"}],
    }
    stdout = f"Working.\n{json.dumps(said)}\n"
    told = failure.of_process("a", FAILED, stdout=stdout, stderr="", error="")
    assert told is not None
    assert (told.failure_class, told.said) == (known, words)
    spoken = failure.of_reply("a", json.dumps(said), "Do it.")
    assert spoken is not None
    assert (spoken.failure_class, spoken.said) == (known, words)


@pytest.mark.parametrize(
    ("stderr", "known"),
    [
        ("API Error: 529 Overloaded\n", "network"),
        ("client 1.2\nworking in /tmp\nInvalid API key\n", "authentication"),
        ("You've hit your limit.\nTry again later.\n", "quota"),
    ],
)
def test_error_on_stderr_is_what_an_empty_reply_says(stderr: str, known: str) -> None:
    told = failure.of_reply("a", "\n", "Do it.", stderr)
    assert told is not None
    assert told.failure_class == known
    assert told.said in stderr
    assert failure.of_reply("a", "I am done.", "Do it.", stderr) is None
    assert failure.of_reply("a", "", "Do it.", "reading the prompt\n") is None


def test_reply_that_is_long_or_has_more_to_say_is_no_message() -> None:
    assert not error_lines.is_message("Invalid API key\n" + "and then\n" * 10)
    assert not error_lines.is_message("Invalid API key " + "x" * 600)
    assert not error_lines.is_message("")


def test_what_cannot_be_served_is_said_to_be_hopeless() -> None:
    told = failure.of_process("a", FAILED, stdout="API Error: 404 gone", stderr="", error="")
    assert told == AgentFailure(
        "exit_code",
        "exit_code",
        "agent a exited with code 1 (another try would fail likewise)",
        "API Error: 404 gone",
        is_hopeless=True,
    )


def test_odd_lines_are_read_quickly() -> None:
    began_s = time.process_time()
    for text in (
        "[" * 5000,
        "error " * 900,
        "{" * 4000,
        "a.b_" * 1000,
        "12:12:12 " * 500,
        "x " * 2000,
        " " * 5000 + "x",
        '{\n"a":\n' * 2000,
    ):
        error_lines.error_text(f"{text}\n{text}")
        error_lines.is_message(text[:600])
    assert time.process_time() - began_s < 1
