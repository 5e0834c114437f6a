"""Any agent that speaks the Agent Client Protocol. Seen with claude-agent-acp 0.49.0.

What is said in a run is in `uwf.agent.acp`. Tokens are those of the prompt, money is what the process has cost.
"""

from __future__ import annotations

from uwf.agent.acp import permission
from uwf.agent.acp.permission import ALLOW, ASK, DENY
from uwf.agent.acp.talk import Talk
from uwf.agent.clients import client, inspection
from uwf.agent.clients.inspection import Inspection
from uwf.config_table import Table, key, one_of, some_duration
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.agent.clients.inspection import Ask
    from uwf.agent.protocol import AgentEvent, AgentRequest, AgentResult
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

_HELLO = (
    b'{"jsonrpc": "2.0", "id": 0, "method": "initialize", '
    b'"params": {"protocolVersion": 1, "clientCapabilities": {}}}\n'
)
LINGER_S = 3.0
"""How long it may stay when its input has ended, behind its reply."""


class AcpOptions(Table, at="agents.*"):
    """What becomes of its requests for permission, and for how long the yes of a person is good."""

    on_permission: str = key(one_of((DENY, ALLOW, ASK)), DENY)
    permission_lasts_s: float = key(some_duration, "1h")


class AcpAgent(client.ClientAgent):
    """Runs an agent that speaks the protocol, without a person."""

    Options = AcpOptions
    options: AcpOptions
    streams = True
    own_variables = ("ANTHROPIC_", "CLAUDE_", "OPENAI_", "CODEX_", "GEMINI_", "GOOGLE_")

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        if not permission.is_installed():
            return (
                f"an agent of kind acp needs a library that is not installed: {permission.INSTALL}"
            )
        return super().unavailable(cwd, path)

    def inspect(self, ask: Ask, env: Mapping[str, str], model: str | None) -> Inspection:
        """See `uwf.agent.clients.inspection`: what it answers to the first message of the protocol."""
        said = inspection.document(ask(self.argv, _HELLO).out).get("result")
        info = said.get("agentInfo") if isinstance(said, dict) else None
        if not isinstance(info, dict):
            return Inspection(problem="it does not answer as the protocol asks")
        return Inspection(client.clean(info.get("version")) or None)

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Ask it once."""
        linger_s = min(request.linger_s or LINGER_S, LINGER_S)
        options = self.options
        policy = permission.Policy(
            options.on_permission, options.permission_lasts_s, request.answer
        )
        talk = Talk(self.name, on_event, request, policy)
        return client.run(
            self.name,
            (*self.argv, *request.args),
            replace(request, linger_s=linger_s),
            talk,
            stop=stop,
            on_start=on_start,
            stdin=talk.stdin,
            on_tick=talk.pause,
        )
