"""Workflows of a home and of the folder one is in: found by what a person types, checked, registered, drawn."""

from __future__ import annotations

import os
import shlex

from uwf.app.opened import current_folder
from uwf.engine.query import workflows
from uwf.engine.query.workflows import ListedWorkflow, Registered, StoredWorkflow
from uwf.errors import InputError, WorkflowInvalid
from uwf.record import replace
from uwf.store import codec
from uwf.workflow import find, model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from uwf.agent.clients.scenario import Scenario
    from uwf.agent.stop import Stop
    from uwf.app.opened import OpenHome
    from uwf.engine.actions.rehearsal import Rehearsal
    from uwf.engine.progress import Progress
    from uwf.engine.query.workflows import Found
    from uwf.workflow.model import Workflow
    from uwf.workflow.new_file import NewFile
    from uwf.workflow.problem import WorkflowProblem


class Workflows:
    """What `app.workflows` can do. A workflow is named by an object id, a YAML path or a name, tried in this order."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home
        self._foreign: set[str] = set()

    def find(self, workflow: str, cwd: str | None = None) -> Found:
        """The workflow that is meant in the folder `cwd`, by default the current one.

        Raises `NotFound`, `WorkflowInvalid`; warns of what is odd in its file.
        """
        folder = cwd or current_folder()
        found = workflows.find(self._home.reader(), workflow, folder, self._passed_over)
        self._warn(found.warnings)
        return found

    def show(self, workflow: str) -> StoredWorkflow:
        """The workflow and the id that it has, or would have, as an object."""
        found = self.find(workflow)
        payload = self._home.gate.payload("workflow", model.to_payload(found.workflow))
        id = codec.id_of(codec.encode("workflow", payload))
        return StoredWorkflow(id, found.source, found.path, found.workflow, payload)

    def store(self, workflow: str) -> str:
        """The id of the workflow that is meant, as an object in the store."""
        found = self.find(workflow)
        with self._home.store().transaction("workflow") as tx:
            id = tx.put("workflow", model.to_payload(found.workflow))
        self.tell_hidden(found.workflow)
        return id

    def new(self, name: str) -> NewFile:
        """Write a commented workflow file that runs as it is, to the path `name`, else to .workflows/ here.

        InputError where there is one already, or the name is none.
        """
        from uwf.workflow import new_file

        return new_file.write(name, current_folder())

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of workflow files, for editors."""
        from uwf.workflow import file_schema

        return file_schema.schema()

    def add(self, file: str) -> Registered:
        """Store a workflow file and register it under its name."""
        from uwf.workflow import load

        try:
            loaded = load.load(file)
        except WorkflowInvalid as error:
            error.hint = error.hint or _hint_to_add(file)
            raise
        self._warn(loaded.warnings)
        added = workflows.register(self._home.store(create=True), loaded.workflow)
        self.tell_hidden(loaded.workflow)
        return added

    def tell_hidden(self, workflow: Workflow) -> None:
        """Tell a person that a workflow is stored without the secrets in its texts."""
        self._home.tell_hidden(str(model.to_payload(workflow)), f"workflow {workflow.name}")

    def problems(self, files: Iterable[str]) -> list[WorkflowProblem]:
        """What is wrong or odd in workflow files, with its place."""
        from uwf.workflow import load

        found: list[WorkflowProblem] = []
        for file in files:
            try:
                loaded = load.load(file)
                found += [*self._not_there(file, loaded.workflow), *loaded.warnings]
            except WorkflowInvalid as error:
                found += error.problems
        return found

    def _not_there(self, file: str, workflow: Workflow) -> Iterator[WorkflowProblem]:
        """Triggers under `on:` for one thread, which is not there or not one of this workflow."""
        from uwf import yaml12
        from uwf.app.unattended import references
        from uwf.workflow import trigger
        from uwf.workflow.include import Includes
        from uwf.workflow.problem import ERROR, Problems, WorkflowProblem

        for number, given in enumerate(workflow.on):
            wrong = references.of_trigger(self._home, trigger.of_stored(given), workflow.name)
            if wrong is not None:
                key, why = wrong
                includes = Includes(file, Problems())
                document = yaml12.read(find.read_text(file), name=file, include=includes)
                at = document.mark(("on", number, key))
                message = f"{key}: {why}"
                yield WorkflowProblem(ERROR, "bad_trigger", message, at.file, at.line, at.column)

    def all(self) -> list[ListedWorkflow]:
        """Those that can be started from here: registered ones and those in `.workflows/`, by name."""
        here = find.names(current_folder(), self._passed_over)
        found = [ListedWorkflow(name, "file", None, path) for name, path in here.items()]
        registered = workflows.registered(self._home.reader())
        found += [ListedWorkflow(name, "registry", id, None) for name, id in registered.items()]
        return sorted(found, key=lambda each: (each.name, each.source))

    def try_(
        self,
        workflow: str,
        task: str,
        scenario: str | None = None,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Rehearsal:
        """A thread of the workflow, played by stand-ins in a home of its own: along every edge, or as the file
        `scenario` says. Nothing of it is stored, and no agent is asked.

        Raises `InputError` for a scenario that is none; `Interrupted` when `stop` was asked for.
        """
        import tempfile

        from uwf.agent.stop import Stop
        from uwf.app.opened import SQLITE, OpenHome
        from uwf.app.thread import run_context
        from uwf.engine.actions import rehearsal
        from uwf.store.sqlite import open_in_memory

        found = self.find(workflow).workflow
        played = None if scenario is None else _scenario(scenario, found)
        own = stop or Stop()
        try:
            with tempfile.TemporaryDirectory(prefix="uwf-try-") as folder:
                home = OpenHome(os.path.join(folder, "home"), store_address=SQLITE)
                ctx = run_context.of(home, on_progress, open_in_memory(self._home.gate))
                ctx = replace(ctx, redactor=self._home.redactor)
                return rehearsal.walk(ctx, found, task, folder, own, played)
        finally:
            if stop is None:
                own.close()

    def graph(self, workflow: str, format: str, thread: str | None = None) -> str:
        """The workflow drawn; with `thread`, the path that this took through it."""
        from uwf.engine.query import resolve
        from uwf.engine.query.steps import graph

        found, reader = self.find(workflow).workflow, self._home.reader()
        if thread is None:
            return graph.draw(reader, found, format)
        ref = resolve.thread_ref(reader, thread)
        name = ref.tags.get("workflow")
        if name is not None and name != found.name:
            raise InputError(
                f"thread {thread} runs workflow {name}, not {found.name}",
                hint=f"uwf workflow graph {name} --thread {thread}",
                code="other_workflow",
            )
        return graph.draw(reader, found, format, ref)

    def _passed_over(self, folder: str) -> None:
        if folder not in self._foreign:
            self._foreign.add(folder)
            self._home.warn(
                f"{folder} belongs to another user and is passed over; its workflows can be given by their path"
            )

    def _warn(self, warnings: Iterable[WorkflowProblem]) -> None:
        for warning in warnings:
            self._home.warn(warning.plain)


def _scenario(path: str, workflow: Workflow) -> Scenario:
    """The scenario in a file, for roles that the workflow has."""
    from uwf.agent.clients import scenario
    from uwf.nearest import nearest
    from uwf.yaml12 import YamlInvalid

    editing = f"${{EDITOR:-vi}} {shlex.quote(path)}"
    try:
        found = scenario.load(path)
    except OSError as error:
        raise InputError(
            f"cannot read the scenario {path}: {error.strerror}",
            hint=f"ls -l {shlex.quote(path)}",
            code="no_such_file",
        ) from None
    except YamlInvalid as error:
        raise InputError(error.message, hint=editing, code="bad_scenario") from None
    for role in found.roles:
        if role not in workflow.roles:
            meant = nearest(role, workflow.roles)
            known = f"did you mean {meant}?" if meant else f"there are {', '.join(workflow.roles)}"
            raise InputError(
                f"{path}: workflow {workflow.name} has no role {role!r}; {known}",
                hint=editing,
                code="bad_scenario",
            )
    return found


def _hint_to_add(file: str) -> str:
    """What to type when `file` cannot be added: its path, if it is the name of a workflow."""
    if os.path.exists(file):
        return shlex.join(("uwf", "workflow", "validate", file))
    path = find.find_file(file, current_folder())
    return "uwf workflow list" if path is None else shlex.join(("uwf", "workflow", "add", path))
