"""A tool: what it is called, what it takes, what it does; and what it is given."""

from __future__ import annotations

from uwf.errors import InputError
from uwf.jsontext import document
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from uwf.app import App
    from uwf.app.values import Following
    from uwf.mcp.access import Access


class Tool(Record):
    """`takes` has, by the name of each argument, its JSON Schema; `needs` are those that must be given. `run` answers
    with a document of the command line's `--json`, in an object where that is a list.
    """

    name: str
    help: str
    run: Callable[[ClientCall], dict[str, Any]]
    takes: Mapping[str, Mapping[str, Any]]
    needs: tuple[str, ...] = ()
    is_final: bool = False
    """Whether what it does cannot be taken back."""

    def schema(self, access: Access) -> dict[str, Any]:
        """The JSON Schema of its arguments. An agent inside of a step need not name its own thread."""
        is_known = access.thread_for(self.name) is not None
        return {
            "type": "object",
            "properties": {name: dict(about) for name, about in self.takes.items()},
            "required": [name for name in self.needs if not (is_known and name == "thread")],
            "additionalProperties": False,
        }


class ClientCall:
    """One call of a tool. `app` is open for it alone. `own` is the thread that is meant where none is named; `follow`
    waits for a thread so many seconds at most, and tells the client what goes on.
    """

    def __init__(
        self,
        app: App,
        access: Access,
        own: str | None,
        given: Mapping[str, Any],
        follow: Callable[[Following, float], None],
    ) -> None:
        self.app = app
        self.access = access
        self.own = own
        self.given = given
        self.follow = follow

    def get(self, name: str, otherwise: Any = None) -> Any:
        """An argument that may be left out."""
        value = self.given.get(name)
        return otherwise if value is None else value

    @property
    def thread(self) -> str:
        """The id of the thread that is meant."""
        thread = self.get("thread", self.own)
        if thread is None:
            raise InputError("no thread is named", hint="uwf thread list", code="usage")
        return self.app.thread_id(thread)


def documents(records: Iterable[Any]) -> Iterable[dict[str, Any]]:
    return (document(each) for each in records)


# Arguments of several tools

THREAD = {
    "type": "string",
    "description": "A thread: its id, 4+ characters it ends with, or @last for the newest.",
}
STEP = {
    "type": "string",
    "description": "A step: its id or 4+ digits it begins with, THREAD~N (N steps before the last) or THREAD/role@N.",
}
TEXT = {"type": "string", "minLength": 1}
MOST = 2**53 - 1
"""The highest whole number that each JSON reader knows exactly."""
LIMIT = {"type": "integer", "minimum": 1, "maximum": 200, "description": "At most this many."}
OFFSET = {
    "type": "integer",
    "minimum": 0,
    "maximum": MOST,
    "description": "Leave out this many first: `next` of the answer before.",
}
