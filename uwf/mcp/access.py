"""What a server lets its client do: to look, always; to act, where `--allow` names the tool.

An agent inside of a step may besides leave words for its own thread.
"""

from __future__ import annotations

from uwf.errors import InputError
from uwf.nearest import or_meant
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

START, EXEC, TELL, ANSWER, CANCEL = VERBS = ("start", "exec", "tell", "answer", "cancel")
"""The tools that change something: each is allowed by its name."""


class Access(Record):
    """`verbs` are allowed; `own` is the thread in whose step the server was started, None outside of steps."""

    verbs: frozenset[str] = frozenset()
    own: str | None = None

    def has(self, tool: str) -> bool:
        """Whether a client sees this tool."""
        return tool not in VERBS or tool in self.verbs or (tool == TELL and self.own is not None)

    def thread_for(self, tool: str) -> str | None:
        """The thread that is meant where none is named: its own, but for tools that run, answer or end one."""
        return self.own if tool == TELL or tool not in VERBS else None

    def check(self, tool: str, thread: str | None = None) -> None:
        """Raise `InputError` where the tool is not allowed, or not for this thread."""
        is_own = tool == TELL and thread == self.own is not None
        if tool not in VERBS or tool in self.verbs or is_own:
            return
        what = f"{tool} is not allowed here"
        if thread is not None and self.own is not None:
            what += f", but for thread {self.own}, whose agent asks"
        verbs = [verb for verb in VERBS if verb in self.verbs or verb == tool]
        raise InputError(what, hint=f"uwf mcp --allow {','.join(verbs)}", code="not_allowed")


def verbs_of(words: Iterable[str]) -> frozenset[str]:
    """The tools that `--allow` names, several in a word with commas between them."""
    found = [verb.strip() for word in words for verb in word.split(",")]
    for verb in found:
        if verb not in VERBS:
            raise InputError(
                f"--allow has {verb!r}, and takes {', '.join(VERBS)}{or_meant(verb, VERBS)}",
                hint="uwf mcp --allow start,exec,tell",
                code="usage",
            )
    return frozenset(found)
