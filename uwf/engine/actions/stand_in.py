"""An agent that plays every role: it replies with what the schema of the role asks for. It runs no
process.
"""

from __future__ import annotations

import json

from uwf.agent.frontmatter import written
from uwf.agent.protocol import AgentResult
from uwf.workflow.reply_schema.filled import filled
from uwf.workflow.reply_schema.structure import STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import AgentEvent, AgentRequest
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner


class StandIn:
    """Says `body` behind each example. `choose` is told the role and says with which status it replies; None: with the
    first that its schema has.
    """

    streams = False
    own_variables = None

    def __init__(
        self, name: str, body: str, choose: Callable[[str], str | None] = lambda role: None
    ) -> None:
        self.name = name
        self._body = body
        self._choose = choose

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        return None

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Reply at once."""
        on_start(None)
        with open(request.env["UWF_SCHEMA"], encoding="utf-8") as file:
            replies = filled(json.load(file))
        first = next(iter(replies.values()), {STATUS: "done"})
        status = self._choose(request.env["UWF_ROLE"])
        fields = first if status is None else replies.get(status) or {**first, STATUS: status}
        text = written(fields, self._body)
        return AgentResult(text=text, tail=text)
