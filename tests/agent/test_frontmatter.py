"""What a reply may look like, and what an agent is told when it does not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.agent.frontmatter import BadReply, Reply, split

PLAIN = "---\n$status: done\nreason: all good\n---\n\nThe text.\n"
FRONT = {"$status": "done", "reason": "all good"}
READ = Reply(FRONT, "The text.\n")


def fenced(inside: str, fence: str = "```", info: str = "") -> str:
    return f"{fence}{info}\n{inside}\n{fence}\n"


ACCEPTED = {
    "as it is asked for": PLAIN,
    "blank lines before": "\n  \n\n" + PLAIN,
    "a byte-order mark": "\ufeff" + PLAIN,
    "blanks behind the delimiters": PLAIN.replace("---\n", "--- \t\n"),
    "closed by dots": PLAIN.replace("\n---\n", "\n...\n"),
    "prose before": "Sure! Here is my report:\n\n" + PLAIN,
    "prose right before": "Sure!\n" + PLAIN,
    "a rule in the prose before": "One.\n\n---\n\nTwo.\n\n" + PLAIN,
    "a rule right before": "One.\n\n---\n" + PLAIN,
    "a heading underlined": "Report\n---\n\n" + PLAIN,
    "an example in a fence before": fenced("key: value", info="yaml") + PLAIN,
    "an example with rules in a fence before": fenced("---\nkey: value\n---") + PLAIN,
    "code that names the status before": fenced("print('$status: x')", info="python") + PLAIN,
    "a stray fence before": "I ran\n```\nand then\n" + PLAIN,
    "a fence in a longer fence before": fenced(fenced("a: 1"), fence="````") + PLAIN,
    "a bare fence": fenced("$status: done\nreason: all good") + "The text.\n",
    "a yaml fence": fenced("$status: done\nreason: all good", info="yaml") + "\nThe text.\n",
    "a yaml fence in capitals": fenced("$status: done\nreason: all good", info="YAML")
    + "The text.\n",
    "a fence of tildes": fenced("$status: done\nreason: all good", fence="~~~", info=" yml")
    + "The text.\n",
    "a json fence": fenced('{"$status": "done", "reason": "all good"}', info="json")
    + "The text.\n",
    "dashes in a fence": fenced("---\n$status: done\nreason: all good\n---", info="yaml")
    + "The text.\n",
    "dashes in a fence, not closed": fenced("---\n$status: done\nreason: all good") + "The text.\n",
    "blank lines in the fence": fenced("\n---\n$status: done\nreason: all good\n---\n")
    + "The text.\n",
    "a fence around everything": fenced(PLAIN.rstrip("\n"), info="markdown"),
    "a longer fence around everything": fenced(PLAIN.rstrip("\n"), fence="````", info="md"),
    "prose, then a fence around everything": "Here:\n\n"
    + fenced(PLAIN.rstrip("\n"), info="markdown"),
    "a broken block before": "---\n$status: [\n---\n" + PLAIN,
    "a block whose status is a number before": "---\n$status: 5\n---\n" + PLAIN,
    "in order: the first one wins": PLAIN.rstrip("\n") + "\n",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_front_matter_is_found(text: str) -> None:
    assert split(text) == READ


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_front_matter_is_found_with_windows_line_ends(text: str) -> None:
    assert split(text.replace("\n", "\r\n")) == Reply(FRONT, "The text.\r\n")


def test_first_valid_block_wins() -> None:
    reply = split("---\n$status: one\n---\nA\n\n---\n$status: two\n---\nB\n")
    assert reply == Reply({"$status": "one"}, "A\n\n---\n$status: two\n---\nB\n")


def test_block_at_the_end_needs_no_closing_line() -> None:
    assert split("What I did.\n\n---\n$status: done") == Reply({"$status": "done"}, "What I did.")
    assert split("What I did.\n\n```yaml\n$status: done") == Reply(
        {"$status": "done"}, "What I did."
    )


def test_prose_before_is_the_body_when_nothing_follows() -> None:
    assert split("\nWhat I did.\n\n---\n$status: done\n---\n \n").body == "What I did."


def test_prose_before_is_left_out_when_a_body_follows() -> None:
    assert split("Let me think.\n" + PLAIN).body == "The text.\n"


def test_body_may_be_empty() -> None:
    assert split("---\n$status: done\n---\n") == Reply({"$status": "done"}, "")


def test_body_keeps_its_indentation_and_its_blanks() -> None:
    assert split("---\n$status: done\n---\n\n    code\n\n  \n").body == "    code\n\n  \n"


def test_fences_in_the_body_of_a_fenced_reply_are_kept() -> None:
    inside = "Look:\n\n```python\nx = 1\n```\n\nand\n\n```\ny\n```\n\nEnd."
    reply = split(fenced(f"---\n$status: done\n---\n{inside}", info="markdown"))
    assert reply.body == inside + "\n"


def test_text_after_a_fence_around_the_reply_is_kept() -> None:
    reply = split(
        fenced("---\n$status: done\n---\nOne\n```sh\nls\n```\nTwo", info="md") + "Three\n"
    )
    assert reply.body == "One\n```sh\nls\n```\nTwo\nThree\n"


def test_code_in_the_body_after_fenced_front_matter_is_kept() -> None:
    body = "One\n\n```py\nx\n```\n"
    assert split(fenced("---\n$status: done\n---", info="yaml") + body).body == body


def test_values_are_read_as_yaml_1_2() -> None:
    reply = split(
        "---\n$status: no\nwhen: 2024-01-01\nfiles: [a, b]\nnote: |\n  two\n  lines\n---\n"
    )
    assert reply.front == {
        "$status": "no",
        "when": "2024-01-01",
        "files": ["a", "b"],
        "note": "two\nlines\n",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the reply is empty"),
        (" \n\t\n", "the reply is empty"),
        ("All done.", "has no front matter: begin the reply with a line `---`"),
        ("$status: done\n\nThe text.", "names `$status`, but not in a block"),
        ("---\nstatus: done\n---\n", "has no front matter"),
        ("---\nnested:\n  $status: done\n---\n", "no key `$status` at its top level"),
        ("---\n- $status\n---\n", "no key `$status` at its top level"),
        ("---\n$status: 5\n---\n", "must be text, not 5"),
        ("---\n$status: true\n---\n", "must be text, not True"),
        ("---\n$status:\n---\n", "must be text, not None"),
        ("---\n$status: ''\n---\n", "`$status` is empty"),
        ("---\n$status: done\nreason: a: b\n---\n", "the front matter, line 2"),
        ("---\n$status: done\n$status: again\n---\n", "the front matter, line 2"),
        ("---\n$status: done\n" + "a: b\n" * 100_000, "over 256 KiB"),
    ],
)
def test_agent_is_told_what_is_missing(text: str, words: str) -> None:
    with pytest.raises(BadReply) as caught:
        split(text)
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.code == "bad_reply"


HOSTILE = {
    "rules": "---\n" * 12_000_000,
    "fences": "```\n" * 5_000_000,
    "fences that nothing closes": "```yaml\n" * 5_000_000,
    "fences of all lengths": "".join("`" * size + "x\n" for size in range(3, 6000)),
    "blocks that name the status": "---\n$status: [\n" * 1_000_000,
    "fences that name the status": "```yaml\n$status: [\n" * 1_000_000,
    "diff heads": "--- a/file\n" * 3_000_000,
    "one long line": "$status: " + "x" * 50_000_000,
    "blank lines": "\n" * 50_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_reply_is_refused_in_bounded_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises(BadReply):
        split(text)
    assert time.process_time() - began < 3


def test_huge_body_costs_little() -> None:
    body = "text ---\n---\n```\n" * 3_000_000
    began = time.process_time()
    assert split("---\n$status: done\n---\n" + body).body == body
    assert time.process_time() - began < 2


@given(st.text() | st.text(alphabet=st.sampled_from("-`~.\n\r \t$status:yaml[]{}'\"#\ufeffx1")))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        reply = split(text)
    except BadReply as error:
        assert error.message
    else:
        assert isinstance(reply.front["$status"], str)
        assert reply.body in text or "```" in text or "~~~" in text


LINES = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
WORDS = st.text(alphabet="abcdefghij", min_size=1, max_size=8)


@given(
    front=st.dictionaries(WORDS, WORDS, max_size=4),
    body=st.lists(LINES | st.sampled_from(["---", "```", "~~~ yaml", "...", "$status: x", ""])),
    prose=st.sampled_from(["", "\n", "Sure:\n\n", "One\n\n---\n\nTwo\n\n"]),
    shape=st.sampled_from(
        ["---\n{}---\n", "---\n{}...\n", "```\n{}```\n", "~~~yaml\n---\n{}---\n~~~\n"]
    ),
)
def test_a_reply_as_asked_for_comes_back_whole(
    front: dict[str, str], body: list[str], prose: str, shape: str
) -> None:
    lines = ["The text.", *body]
    front = {"$status": "done", **front}
    block = "".join(f"{name}: '{value}'\n" for name, value in front.items())
    text = "\n".join(lines)
    assert split(prose + shape.format(block) + text) == Reply(front, text)
