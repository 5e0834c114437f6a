"""A workflow tried before a token is spent: a thread of it in a store that ends with it, played by stand-ins.

Without a scenario every edge is walked, with replies made from the schemas of the roles. With one, its roles say what
stands there, until the thread ends, asks for a person with nothing more to be said, or the scenario has no answer left
for a step that failed. The prompts are those that real agents would get.
"""

from __future__ import annotations

from uwf.agent.kinds.mock import MockAgent, MockOptions
from uwf.engine.actions import lifecycle
from uwf.engine.actions.edges import Edges
from uwf.engine.actions.stand_in import StandIn
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import COMPLETED, IDLE
from uwf.engine.chain.thread import current
from uwf.engine.progress import StepDone, StepFailed
from uwf.engine.run import runner
from uwf.engine.run.order import EXEC, RESUME, Order
from uwf.engine.run.planning import transitions
from uwf.errors import Refused, StateError
from uwf.record import Record, replace
from uwf.workflow.model import ANY, START

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.clients.scenario import Scenario
    from uwf.agent.protocol import Agent, AgentEvent, AgentRequest, AgentResult
    from uwf.agent.stop import Stop
    from uwf.engine.actions.edges import EdgeName
    from uwf.engine.run.context import RunContext
    from uwf.store.owner import Owner
    from uwf.workflow.model import Role, Workflow

MOST_STEPS = 500
SAID = "This is a sample: nobody has done anything."
NEWS = "This is what would be new in this round."


class RehearsedStep(Record):
    """A try at a step: the edge that leads to it, its prompt, what was said; `problem` is why it came to nothing."""

    number: int
    source: str
    status: str
    role: str
    prompt: str
    output: Mapping[str, Any] | None
    body: str
    problem: str | None


class RehearsedEdge(Record):
    """An edge of the graph, and whether it was walked."""

    source: str
    status: str
    target: str
    walked: bool


class Rehearsal(Record):
    """What came of it. `status` is where the thread stands in the end, `message` why it is suspended."""

    workflow: str
    status: str
    message: str | None
    steps: tuple[RehearsedStep, ...]
    edges: tuple[RehearsedEdge, ...]


def walk(
    ctx: RunContext, workflow: Workflow, task: str, cwd: str, stop: Stop, scenario: Scenario | None
) -> Rehearsal:
    """Try `workflow` in the folder `cwd`. `ctx` is of a home and a store of its own, with the usual settings."""
    return _Walk(ctx, workflow, task, cwd, scenario).run(stop)


class _Listening:
    """An agent, of which the prompts are heard."""

    def __init__(self, agent: Agent, asked: list[str]) -> None:
        self.name, self.streams = agent.name, agent.streams
        self.own_variables = agent.own_variables
        self._agent, self._asked = agent, asked

    def unavailable(self, cwd: str, path: str) -> str | None:
        return self._agent.unavailable(cwd, path)

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        self._asked.append(request.prompt)
        return self._agent.run(request, stop=stop, on_start=on_start, on_event=on_event)


class _Walk:
    def __init__(
        self,
        ctx: RunContext,
        workflow: Workflow,
        task: str,
        cwd: str,
        scenario: Scenario | None,
    ) -> None:
        self._workflow = _unbound(workflow)
        self._edges = Edges(self._workflow)
        self._asked: list[str] = []
        self._wanted: EdgeName | None = None
        self._scenario = scenario
        stand_in = StandIn("sample", SAID, self._choose)
        mock = None if scenario is None else MockAgent("scenario", (), MockOptions(), scenario)

        def agent_for(_workflow: str, role: Role, _override: str | None) -> Agent:
            is_played = scenario is not None and role.name in scenario.roles
            return _Listening(mock if mock is not None and is_played else stand_in, self._asked)

        config = replace(
            ctx.config,
            limits=replace(ctx.config.limits, max_same=None),
            retry=replace(ctx.config.retry, attempts=0),
        )
        ctx.admission.guards.clear()  # nothing runs here that would have to be guarded
        self._ctx = replace(ctx, config=config, agent_for=agent_for)
        self._thread = lifecycle.start(ctx.store, lifecycle.Begin(self._workflow, task, cwd, {}))
        self._came = self._edges.entry(1)
        self._told: set[EdgeName] = set()
        """The edges whose prompts some role was asked."""
        self._steps: list[RehearsedStep] = []

    def run(self, stop: Stop) -> Rehearsal:
        order: Order | None = Order(EXEC)
        while order is not None and len(self._steps) < MOST_STEPS:
            order = self._step(order, stop)
        walked = self._edges.walked
        return Rehearsal(
            self._workflow.name,
            self._thread.status,
            self._thread.tags.get("suspendMessage"),
            tuple(self._steps),
            tuple(
                RehearsedEdge(source, status, edge.target, (source, status) in walked)
                for source, edges in self._workflow.graph.items()
                for status, edge in edges.items()
            ),
        )

    def _step(self, order: Order, stop: Stop) -> Order | None:
        """Let the thread make one step; what is to be done then."""
        self._asked.clear()
        self._wanted = None
        role, problem, output, body = "", None, None, ""
        try:
            for result in runner.run(self._ctx, self._thread.id, order, stop):
                if isinstance(result, StepDone):
                    step = self._ctx.cache.step(result.step)
                    role, output, body = step.role, step.output, step.body
                    self._edges.walked |= {self._came, self._edges.named(role, step.status)}
                elif isinstance(result, StepFailed):
                    role, problem = result.role, result.failure.message
        except Refused as refusal:
            attempt = read_attempt(self._ctx.store, self._thread.id)
            found = None if attempt is None else attempt.failure
            problem = refusal.message if found is None else found.message
        except StateError as error:  # no prompt can be made for it
            self._edges.failed.add(self._came)
            problem = error.message
        self._thread = current(self._ctx.store, self._ctx.cache, self._thread.id)
        role = role or self._role_now()
        prompt = self._asked[0] if self._asked else ""
        if prompt:
            self._told.add(self._came)
        number = len(self._steps) + 1
        self._steps.append(RehearsedStep(number, *self._came, role, prompt, output, body, problem))
        if problem is not None:
            return self._after_failure(role)
        return self._next(role, str((output or {}).get("$status")))

    def _after_failure(self, role: str) -> Order | None:
        if self._scenario is not None and role in self._scenario.roles:
            tries = sum(step.role == role and step.problem is not None for step in self._trailing())
            answers = self._scenario.answers(role, self._visit(role))
            return Order(RESUME) if tries < len(answers) else None
        if self._wanted is None:
            return None
        self._edges.failed.add(self._wanted)
        return Order(RESUME) if self._edges.way_on(role) is not None else None

    def _next(self, role: str, status: str) -> Order | None:
        thread = self._thread
        if thread.status == IDLE:
            self._came = self._edges.named(role, status)
            is_new = self._scenario is not None or self._came not in self._told
            goes_on = is_new or self._edges.way_on(self._role_now()) is not None
            return Order(EXEC) if goes_on else None
        if thread.status == COMPLETED:
            if self._scenario is not None or self._edges.way_on(START) is None:
                return None
            self._came = self._edges.entry(2)
            return Order(RESUME, supplement=NEWS)
        if self._scenario is None:
            return Order(RESUME) if self._edges.way_on(role) is not None else None
        has_more = self._visit(role) <= len(self._scenario.roles.get(role, ()))
        return Order(RESUME) if has_more else None

    def _choose(self, role: str) -> str | None:
        """The status with which a sample replies."""
        edges = self._workflow.graph.get(role, {})
        self._wanted = self._edges.way_on(role) or next(((role, status) for status in edges), None)
        if self._wanted is None or self._wanted[1] == ANY:
            return None
        return self._wanted[1]

    def _role_now(self) -> str:
        """The role that is next, or is being tried."""
        workflow = self._ctx.cache.workflow(self._thread.position.workflow)
        return transitions.next_role(self._thread, workflow) or ""

    def _visit(self, role: str) -> int:
        """The visit of `role` that comes next, or is being tried."""
        return self._thread.position.visits.get(role, 0) + 1

    def _trailing(self) -> list[RehearsedStep]:
        """The tries at the step that is being tried."""
        found: list[RehearsedStep] = []
        for step in reversed(self._steps):
            if step.problem is None:
                break
            found.append(step)
        return found


def _unbound(workflow: Workflow) -> Workflow:
    """The same without what binds it to a person's agents and folders, and without limits."""
    roles = {
        name: replace(role, max_visits=None, writes=False, agent=None, model=None, needs=())
        for name, role in workflow.roles.items()
    }
    graph = {
        source: {status: replace(edge, location=None) for status, edge in edges.items()}
        for source, edges in workflow.graph.items()
    }
    return replace(workflow, roles=roles, graph=graph, budget={}, on=())
