"""One poll of one source, whatever its kind: in a thread of its own, within its time, touching no store."""

from __future__ import annotations

from uwf import clock
from uwf.daemon.sources import command, file
from uwf.daemon.sources.forges.client import Client
from uwf.daemon.sources.forges.forge import Repo
from uwf.daemon.sources.forges.gitea import Gitea
from uwf.daemon.sources.forges.github import GitHub
from uwf.daemon.sources.forges.pulls import PullPoll
from uwf.daemon.sources.forges.standing import Standing
from uwf.daemon.sources.memory import PullMemory
from uwf.daemon.sources.polled import MOST_EVENTS, Polled
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.app.unattended.events import Event
    from uwf.app.values import Source
    from uwf.daemon.sources.forges.forge import Forge
    from uwf.daemon.sources.polled import PollTask

FORGES: Mapping[str, Forge] = {"github": GitHub(), "gitea": Gitea()}


def poll(task: PollTask) -> Polled:
    """Raises nothing that is the source's fault."""
    if task.source.kind == "command":
        return command.poll(task)
    if task.source.kind == "file":
        return file.poll(task)
    return _poll_forge(task)


def repo_of(source: Source) -> Repo:
    """The repository of a source that is a forge."""
    owner = source.repo.partition("/")[0]
    standing = Standing(owner, source.owners, source.collaborators, source.bots)
    return Repo(source.name, source.kind, source.repo, standing)


def client_of(source: Source, token: str, within_s: float) -> Client:
    deadline_s = clock.monotonic_s() + within_s
    return Client(source.base_url, FORGES[source.kind].headers, token, deadline_s=deadline_s)


def _poll_forge(task: PollTask) -> Polled:
    """Whom nobody has asked about for the longest comes first, so that a poll that runs out of time starves none."""
    with client_of(task.source, task.token, task.source.timeout_s) as client:
        return _polled(task, client)


def _polled(task: PollTask, client: Client) -> Polled:
    forge, repo = FORGES[task.source.kind], repo_of(task.source)
    events: list[Event] = []
    memories: dict[int, PullMemory] = {}
    faults: list[str] = []
    retry_at_ms, is_cut, good = None, False, 0
    for pull in sorted(task.pulls, key=lambda pull: pull.polled_ms):
        before = task.memories.get(pull.number, PullMemory())
        done = PullPoll(forge, repo, client, pull).run(before, MOST_EVENTS - len(events))
        events += done.events
        memories[pull.number] = done.memory
        is_cut |= done.is_cut
        if done.fault is None or replace(done.memory, polled_ms=before.polled_ms) != before:
            good += 1
        if done.fault is not None:
            faults.append(done.fault.message)
            retry_at_ms = done.fault.retry_at_ms
            if retry_at_ms is not None or done.fault.status is None or done.fault.status == 401:
                break  # the others would fare no better
    events.sort(key=lambda event: (event.at_ms, event.id))
    return Polled(
        events=tuple(events),
        memories=memories,
        faults=tuple(dict.fromkeys(faults)),
        retry_at_ms=retry_at_ms,
        is_cut=is_cut,
        is_down=bool(faults) and not good,
    )
