"""What stands in a reply without being part of it: thoughts and colours."""

from __future__ import annotations

import pytest

from uwf.agent.frontmatter import BadReply, split
from uwf.agent.thoughts import without_escapes, without_thoughts

DRAFT = "---\n$status: draft\n---\nNot yet.\n"
ANSWER = "---\n$status: final\n---\nThis is it.\n"


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\n{DRAFT}</think>\n{ANSWER}",
        f"<thinking>\n{DRAFT}</thinking>\n\n{ANSWER}",
        f"<THINK>{DRAFT}</THINK>{ANSWER}",
        f"  <think>\nA `<think>` tag?\n{DRAFT}So.</think>\n{ANSWER}",
        f"<think>\n```\n{DRAFT}\n</think>\n{ANSWER}",
        f"<think>one</think>\n<think>\n{DRAFT}</think>\n{ANSWER}",
        f"First idea:\n{DRAFT}No.\n</think>\n{ANSWER}",
        f"Okay. <think>\n{DRAFT}</think>\n{ANSWER}",
        f"Let me see. <thinking>Hm.\n{DRAFT}So.\n</thinking>\n\n{ANSWER}",
        f"* <think>{DRAFT}</think>\n{ANSWER}",
        f"> <think>A `</think>` tag?\n{DRAFT}So. </think>\n{ANSWER}",
        f"1. <think>\n{DRAFT}</think>{ANSWER}",
        f"Of <think> I say: <think>\n{DRAFT}</think >\n{ANSWER}",
    ],
)
def test_draft_in_a_thought_is_no_reply(text: str) -> None:
    reply = split(text)
    assert reply.front == {"$status": "final"}
    assert reply.body == "This is it.\n"


def test_thought_without_an_answer_is_no_reply() -> None:
    for text in (
        f"hm\n{DRAFT}</think>\nnothing more\n",
        f"{DRAFT}Or not.\n  </THINKING >",
        f"<think>\n{DRAFT}</think>\n",
        f"<think>\n{DRAFT}",
        f"Okay. <think>\n{DRAFT}x\n</think>",
        f"Okay. <think>\n{DRAFT}",
        f"● <thinking>\n{DRAFT}",
        f"Let me see. <thinking>a\n{DRAFT}b</thinking>\n\nI could not decide.",
        f"* <think>a\n{DRAFT}</think>",
    ):
        with pytest.raises(BadReply):
            split(text)


def test_thought_before_the_block_is_not_the_body() -> None:
    assert split("<think>hm</think>\nI did it.\n\n---\n$status: ok\n---\n").body == "I did it."


@pytest.mark.parametrize(
    "body",
    [
        "The tag `<think>` is stripped, `</think>` too.\n",
        "```html\n<think>\nx\n</think>\n```\n",
        "Use </think>\nat the end.\n",
    ],
)
def test_reply_may_speak_of_the_tags(body: str) -> None:
    assert split(f"---\n$status: ok\n---\n{body}").body == body
    assert without_thoughts(body) == body


@pytest.mark.parametrize(
    "prose",
    [
        "I looked at how <think> is read.",
        "The tags are now read: <think> and </think>.",
        "What stands in `<think>` is left out",
        "What `a <think> b` holds:",
        "It begins with a line of\n`<think>`:",
        "The tag at fault is: <think>",
        "- <think> tags go\n- the rest stays",
        "```\nOkay. <think>\nx\n</think>\n```",
    ],
)
def test_reply_after_words_about_the_tags_stays_one(prose: str) -> None:
    for body in ("This is it.\n", "From <think> to </think> it is cut.\n"):
        reply = split(f"{prose}\n\n---\n$status: final\n---\n{body}")
        assert reply.front == {"$status": "final"}
        assert reply.body == body


def test_colours_are_read_past() -> None:
    text = "\x1b[1;34m---\x1b[0m\n\x1b[38;5;82m$status: ok\x1b[39m\n\x1b[2K---\x1b[m\nDone.\n"
    assert split(text).front == {"$status": "ok"}
    assert without_escapes("\x1b]0;title\x07a\x1b[0mb") == "ab"


@pytest.mark.parametrize(
    "codes", [("\x1b[1m", "\x1b[0m"), ("\x9b1m", "\x9b0m"), ("\x9d0;t\x9c", "\x1b]0;t\x07")]
)
def test_colours_around_the_lines_of_a_block_are_read_past(codes: tuple[str, str]) -> None:
    on, off = codes
    reply = split(f"{on}---{off}\n{on}$status: done{off}\n{on}---{off}\nI am {on}done{off}.\n")
    assert reply.front == {"$status": "done"}
    assert reply.body == f"I am {on}done{off}.\n"
