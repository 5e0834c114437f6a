"""The keys, once: what the screen binds, what its last line and its help say, and what the guide has to say."""

from __future__ import annotations

from uwf.record import Record


class BoundKey(Record):
    """`keys` as Textual names them, of which the first is shown as `shown`; `action` is what they do there. `short`
    stands in the last line; a key without one is told in the help alone.
    """

    keys: str
    shown: str
    action: str
    help: str
    short: str = ""


KEYS = (
    BoundKey(
        "enter", "Enter", "read", "read the thread, with what its agent says just now", "read"
    ),
    BoundKey("a", "a", "answer", "answer what it asks", "answer"),
    BoundKey("t", "t", "tell", "leave words for its next step, also while it runs", "tell"),
    BoundKey("s", "s", "stop", "stop what runs; the thread stays as it is (asks first)", "stop"),
    BoundKey(
        "r",
        "r",
        "go_on",
        "retry what failed, or run what is at rest (asks first)",
        "retry",
    ),
    BoundKey(
        "o", "o", "open", "open a shell in its worktree, or in the folder it works in", "shell"
    ),
    BoundKey("slash", "/", "filter", "show only what has these words in it", "filter"),
    BoundKey("escape", "Esc", "leave", "close what is open; end the filter"),
    BoundKey("1", "1", "tab('now')", "all that matters now"),
    BoundKey("2", "2", "tab('waits')", "what waits for you"),
    BoundKey("3", "3", "tab('runs')", "what runs, or waits for a slot"),
    BoundKey("4", "4", "tab('due')", "what wakes by itself"),
    BoundKey("5", "5", "tab('all')", "all threads, the newest first"),
    BoundKey("tab", "Tab", "next_tab", "the next of these"),
    BoundKey("n", "n", "older", "older threads, in all"),
    BoundKey("p", "p", "newer", "newer threads, in all"),
    BoundKey("g", "g", "guards", "all guards and the queue"),
    BoundKey("question_mark", "?", "help", "these keys", "help"),
    BoundKey("q,ctrl+c,ctrl+q", "q", "quit", "end", "quit"),
    BoundKey("ctrl+z", "^Z", "suspend_process", "back to the shell; fg comes back"),
)


def last_line() -> str:
    """The keys that one needs most, for the last line of the screen."""
    return "  ".join(f"{key.shown} {key.short}" for key in KEYS if key.short)


def page() -> str:
    """All keys, one a line."""
    return "\n".join(f"  {key.shown:6} {key.help}" for key in KEYS)
