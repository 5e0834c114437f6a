"""The agent that is a command line: the prompt on stdin, the reply on stdout, an exit code.

It keeps no session of its own. What it wants to say beside its reply it writes to `$UWF_EVENTS`: see
`uwf/agent/clients/event_lines.py`. The process is supervised by `process`; the engine takes the reply apart.
"""

from __future__ import annotations

from uwf.agent import failure
from uwf.agent.clients.bursts import Bursts
from uwf.agent.clients.event_lines import EventLines
from uwf.agent.process import program, supervise
from uwf.agent.process.fifo import Fifo
from uwf.agent.process.requested import spec_of
from uwf.agent.protocol import AgentResult, Text
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.agent.protocol import AgentEvent, AgentRequest
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

EVENTS = "UWF_EVENTS"


class CommandAgent:
    """Runs `argv`, without a shell, for every request."""

    Options = None
    streams = False
    own_variables = None

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        self.name = name
        self.argv = tuple(argv)

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        return program.unavailable(self.argv, cwd, path)

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Run the command once. Its events are what it writes as such, and bursts of stdout: what came until a pause,
        or 64 KiB of it; those not any more once it has said text itself.

        What came last, with no pause after it, is the result's tail.
        """
        texts = Bursts(lambda text: on_event(Text(text)))

        def hear(event: AgentEvent) -> None:
            texts.flush()
            on_event(event)

        said = EventLines(self.name, hear)

        def add(chunk: bytes) -> None:
            if not said.has_text:
                texts.add(chunk)

        with Fifo(request.spool_dir, said.line) as events:
            outcome = supervise.run(
                spec_of(
                    replace(request, env={**request.env, EVENTS: events.path}),
                    self.argv,
                    stdin=_whole_lines(request.prompt),
                    events=events,
                    is_whole=lambda stdout: request.is_reply(stdout.decode(errors="replace")),
                    is_working=lambda: bool(said.tools),
                ),
                stop=stop,
                on_start=on_start,
                on_output=add,
                on_pause=texts.flush,
            )
            events.finish()
        facts = outcome.facts()
        text = outcome.stdout.decode(errors="replace")
        stderr = outcome.stderr.decode(errors="replace")
        why = failure.of_process(
            self.name,
            facts,
            stdout=text,
            stderr=stderr,
            error=outcome.error,
            prompt=request.prompt,
            is_hopeless=outcome.hopeless,
            is_of_machine=outcome.is_of_machine,
        )
        return AgentResult(
            text,
            texts.rest(),
            stderr,
            session=said.session,
            usage=said.usage,
            failure=said.why(why),
            process=facts,
        )


def _whole_lines(prompt: str) -> str:
    """The prompt with an end to its last line, the instruction: what reads line by line would not see it else."""
    return prompt if prompt.endswith("\n") else f"{prompt}\n"
