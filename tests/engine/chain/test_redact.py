"""Secrets stay out of the store, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgpack import packb  # type: ignore[import-untyped]  # it ships none

from tests.helpers.fake_agent import Said, crash, reply, suspend
from tests.helpers.flows import PAIR, role, schema, workflow
from tests.helpers.rig import APPROVED, CHANGES, Rig
from uwf.agent.protocol import AgentEvent, Thinking, ToolCall
from uwf.engine.chain.redact import Redactor
from uwf.engine.progress import Turn
from uwf.record import replace
from uwf.store.protocols import Store

SECRET = "hunter2-hunter2"
MARK = "[redacted:DB_PASSWORD]"


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig(secrets=[("DB_PASSWORD", SECRET)])


def leaks(store: Store, secret: str = SECRET) -> list[str]:
    """Where the secret stands in the store: objects, tags, reasons in the log."""
    needle = secret.encode()
    found = [store.get(id).kind for id in store.ids() if needle in store.raw(id)]
    found += [f"{ref.name} {ref.tags}" for ref in store.refs() if secret in str(ref.tags)]
    return found + [move.why for move in store.moves_since(0) if secret in f"{move.why}{move.tags}"]


def test_task_labels_and_their_keys(rig: Rig) -> None:
    id = rig.start(task=f"Log in with {SECRET}.", labels={"pw": SECRET, SECRET: "x"})
    assert leaks(rig.store) == []
    row = rig.row(id)
    assert row["prompt"] == f"Log in with {MARK}."
    assert row["labels"] == {"pw": MARK, MARK: "x"}


def test_reply_and_what_follows_from_it(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", f"I used {SECRET}.", file=SECRET, more={SECRET: [SECRET]}))
    step = rig.steps(id)[0]
    assert step.output["file"] == MARK
    assert step.output["more"] == {MARK: [MARK]}
    assert step.body == f"I used {MARK}."
    rig.exec(id, CHANGES)
    assert f"Review {MARK}. The writer says: I used {MARK}." in rig.prompt
    assert SECRET not in rig.prompt
    assert leaks(rig.store) == []


@pytest.mark.parametrize("is_last", [True, False])
def test_thoughts_in_pieces(rig: Rig, is_last: bool) -> None:
    events: tuple[AgentEvent, ...] = (
        Thinking(f"hm {SECRET[:9]}"),
        Thinking(SECRET[9:]),
        Thinking(f" or {SECRET[:9]}"),
    )
    if not is_last:
        events = (*events, ToolCall("t", "Bash", {}))
    id = rig.start()
    rig.exec(id, Said(reply("done", file="a.py"), events=events))
    assert leaks(rig.store) == []
    said = [turn["text"] for turn in rig.step(rig.head(id))["turns"] if turn["kind"] == "thinking"]
    assert "".join(said) == f"hm {MARK} or {SECRET[:9]}"


def test_bad_reply_and_the_problems_with_it(rig: Rig) -> None:
    id = rig.start()
    bad = reply(SECRET, file=SECRET)
    rig.run(id, "exec", bad, f"no front matter, but {SECRET}", bad)
    assert all(SECRET not in ask.prompt for ask in rig.agent.asks)
    assert SECRET not in str(rig.events)
    assert leaks(rig.store) == []
    assert MARK in rig.state(id)["suspendMessage"]


def test_reason_of_a_suspension(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, suspend(f"is {SECRET} right?"))
    assert rig.state(id)["suspendMessage"] == f"is {MARK} right?"
    assert leaks(rig.store) == []


def test_supplement_and_remark(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a"), supplement=f"it is {SECRET}")
    assert f"it is {MARK}" in rig.prompt
    rig.poke(id, f"no, {SECRET}", reply("done", file="a"))
    assert f"no, {MARK}" in rig.prompt
    assert leaks(rig.store) == []


def test_session_and_names_of_usage(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, reply("done", file="a", session=SECRET, usage={SECRET: 1}))
    assert leaks(rig.store) == []


def test_stderr_and_the_message_of_a_failure(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash(f"cannot use {SECRET}\ndenied: {SECRET}", turns=(f"trying {SECRET}",)))
    assert rig.state(id)["suspendMessage"] == f"agent fake exited with code 7: denied: {MARK}"
    rig.resume(id, reply("done", file="a"))
    (kept,) = rig.step(rig.head(id))["failedAttempts"]
    assert kept["stderr"] == f"cannot use {MARK}\ndenied: {MARK}"
    assert "".join(turn["text"] for turn in kept["turns"]) == f"trying {MARK}"
    assert leaks(rig.store) == []


@pytest.mark.parametrize("before", range(280, 301))
def test_secret_at_the_end_of_a_long_message_is_not_cut_in_two(rig: Rig, before: int) -> None:
    id = rig.start()
    rig.exec(id, crash("x" * before + SECRET))
    assert SECRET[:6] not in rig.state(id)["suspendMessage"]


def test_secret_that_begins_before_the_kept_end_of_stderr(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash(SECRET[5:] + " denied", stderr_bytes=1_000_000))
    rig.resume(id, reply("done", file="a"))
    (kept,) = rig.step(rig.head(id))["failedAttempts"]
    assert SECRET[5:] not in kept["stderr"]
    assert kept["stderr"].endswith(" denied")


def test_name_of_an_agent_that_is_a_command_line(rig: Rig) -> None:
    id = rig.start()
    rig.agent.name = f"run --password {SECRET}"
    rig.exec(id, crash("denied"))
    rig.resume(id, reply("done", file="a"))
    assert rig.steps(id)[0].agent == f"run --password {MARK}"
    assert leaks(rig.store) == []


@pytest.mark.parametrize("cut", range(1, len(SECRET)))
def test_turns_that_cut_a_secret_in_two(rig: Rig, cut: int) -> None:
    text = f"---\n$status: done\nfile: {SECRET}\n---\nend"
    at = text.index(SECRET) + cut
    id = rig.start()
    rig.exec(id, Said(text, turns=(text[:at], text[at : at + 3])))
    turns = rig.step(rig.head(id))["turns"]
    assert "".join(turn["text"] for turn in turns) == text.replace(SECRET, MARK)
    told = [event.text for event in rig.events if isinstance(event, Turn)]
    assert SECRET[:cut] not in "".join(told)
    assert leaks(rig.store) == []


def test_end_of_a_refused_reply_is_not_the_beginning_of_the_next(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", "no front matter: hunter", reply("done", file="a"))
    turns = rig.step(rig.head(id))["turns"]
    assert [turn["text"] for turn in turns if turn["from"] == "agent"] == [
        "no front matter: hunter",
        reply("done", file="a"),
    ]


def test_workflow_that_holds_a_secret_does_not_bring_it_into_a_prompt(rig: Rig) -> None:
    flow = workflow(
        "careless",
        [role("one", schema(ok={}), procedure=f"Log in with {SECRET}.")],
        {"$START": {"new": ("one", f"Use {SECRET}.")}, "one": {"ok": ("$END", "")}},
    )
    id = rig.start(flow)
    rig.exec(id, reply("ok"))
    assert SECRET not in rig.prompt
    assert f"Log in with {MARK}." in rig.prompt
    assert f"Use {MARK}." in rig.prompt
    assert leaks(rig.store) == []


def test_agent_gets_the_environment_untouched_and_the_stored_prompt(rig: Rig) -> None:
    rig.engine = replace(rig.engine, environ={"DB_PASSWORD": SECRET})
    id = rig.start(task=f"Use {SECRET}.")
    rig.exec(id, reply("done", file="a"))
    assert rig.agent.asks[0].env["DB_PASSWORD"] == SECRET
    assert rig.step(rig.head(id))["prompt"] == rig.prompt
    assert f"Use {MARK}." in rig.prompt


def test_reason_of_a_cancellation(rig: Rig) -> None:
    id = rig.start()
    rig.cancel(id, f"leaked {SECRET}")
    assert rig.row(id)["endReason"] == f"leaked {MARK}"
    assert leaks(rig.store) == []


def test_statuses_and_the_words_of_uwf_are_told_as_they_are(make_rig: Callable[..., Rig]) -> None:
    secrets = [
        ("A_KEY", "Markdown"),
        ("B_KEY", "done"),
        ("C_KEY", "file"),
        ("D_KEY", "Write a parser"),
    ]
    rig = make_rig(secrets=secrets)
    id = rig.start(PAIR, "Write a parser in a file, in Markdown.")
    told = "Markdown, done"
    rig.exec(id, reply("done", told, file=told))
    shown = rig.prompt.partition("## Where")[0]
    assert "[redacted" not in shown and "as Markdown" in shown and "For `done`" in shown
    assert "[redacted:D_KEY] in a file" in rig.prompt
    assert rig.step(rig.head(id))["prompt"] == rig.prompt
    step = rig.steps(id)[0]
    assert (step.status, step.output["file"], step.body) == ("done", told, told)


def test_without_secrets_nothing_is_touched(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    id = rig.start(PAIR)
    rig.exec(id, reply("done", SECRET, file=SECRET), APPROVED)
    assert rig.steps(id)[0].output["file"] == SECRET


def test_longer_secret_is_found_although_it_begins_like_a_shorter() -> None:
    redactor = Redactor([("LONG", "abcdefgh-ijkl"), ("SHORT", "abcdefgh")])
    assert redactor.text("abcdefgh-ijkl abcdefgh") == "[redacted:LONG] [redacted:SHORT]"
    stream = redactor.stream()
    told = stream.piece("x abcdefgh") + stream.piece("-ijkl y") + stream.rest()
    assert told == "x [redacted:LONG] y"


# Letters that overlap in every way: two secrets of which one begins as the other ends.
VALUES = st.lists(st.text("ab", min_size=2, max_size=6), min_size=1, max_size=3, unique=True)


@given(values=VALUES, pieces=st.lists(st.text("abc", max_size=8), max_size=6))
def test_stream_never_lets_a_secret_through(values: list[str], pieces: list[str]) -> None:
    secrets = [(f"#{n}", value) for n, value in enumerate(sorted(values, key=lambda v: -len(v)))]
    stream = Redactor(secrets).stream()
    told = "".join(stream.piece(piece) for piece in pieces) + stream.rest()
    unmarked = told
    for name, _ in secrets:
        unmarked = unmarked.replace(f"[redacted:{name}]", "|")
    assert not any(value in unmarked for value in values)
    whole = "".join(pieces)
    if not any(value in whole for value in values):
        assert told == whole


@given(st.text(max_size=50), st.text(min_size=8, max_size=12))
def test_text_never_keeps_a_secret(text: str, secret: str) -> None:
    redactor = Redactor([("NAME", secret)])
    marked = redactor.text(f"{text}{secret}{text}")
    assert secret not in marked.replace("[redacted:NAME]", "") or secret in "[redacted:NAME]"
    assert redactor.value({"a": [secret, 1, None], secret: 2.5}) == {
        "a": ["[redacted:NAME]", 1, None],
        "[redacted:NAME]": 2.5,
    }


@given(VALUES, st.text("abc", max_size=8))
def test_packed_bytes_are_clean_when_no_text_in_them_holds_a_secret(
    values: list[str], text: str
) -> None:
    redactor = Redactor([("#", value) for value in values])
    assert redactor.is_clean(packb({"said": [text]})) == (redactor.text(text) == text)
