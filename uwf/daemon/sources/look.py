"""Whether what an event says is still true, asked at the moment of waking: the world went on since it came.

    Dropped    the pull request is closed, the comment is gone, the check is of an older commit: nobody is to be woken
    StillTrue  it is, perhaps with more `words` for whoever wakes: the end of the log of a check that failed

An event of which nothing can be asked is still true. Where the forge cannot be asked in time it goes on, and the words
say that nobody looked.
"""

from __future__ import annotations

from uwf.daemon.sources import polling
from uwf.daemon.sources.answer import WITHIN_S, Dropped, StillTrue, number_in
from uwf.daemon.sources.forges.client import SourceFault
from uwf.daemon.sources.forges.fields import Fields
from uwf.daemon.sources.forges.forge import mark
from uwf.daemon.sources.forges.pulls import check_repo
from uwf.daemon.sources.memory import GONE, OPEN
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.unattended.events import Event
    from uwf.app.values import Source
    from uwf.daemon.sources.answer import Answer
    from uwf.daemon.sources.forges.client import Client
    from uwf.daemon.sources.forges.forge import Forge

LOG_LINES = 200
NOT_FOUND = 404


def look(event: Event, source: Source, token: str, within_s: float = WITHIN_S) -> Answer:
    """Ask the forge about an event that is askable. Touches no store."""
    with polling.client_of(source, token, within_s) as client:
        return _looked(event, source, client)


def _looked(event: Event, source: Source, client: Client) -> Answer:
    forge = polling.FORGES[source.kind]
    number = number_in(event.data, "number")
    name = f"pull request #{number}"
    try:
        try:
            answer = client.get(forge.pull_path(source.repo, number))
            pull = forge.pull(polling.repo_of(source), Fields(answer.value))
        except SourceFault as fault:
            if fault.status != NOT_FOUND:
                raise
            check_repo(client, forge, source.repo)
            return Dropped(f"{name} is {GONE}")
        if pull.state != OPEN:
            return Dropped(f"{name} is {pull.state}")
        if event.name.endswith(".check"):
            commit = str(event.data.get("commit"))
            if pull.head and commit != pull.head:
                return Dropped(
                    f"it is of {commit[:10]}, and the head of {name} is {pull.head[:10]}"
                )
            return _check(event, source, forge, client)
        if event.name.endswith(".comment"):
            return _comment(event, source, forge, client)
        return StillTrue()
    except (SourceFault, InputError) as error:
        return StillTrue(f"(Whether this is still so could not be asked: {error.message})")


def _comment(event: Event, source: Source, forge: Forge, client: Client) -> Answer:
    path = forge.comment_path(source.repo, number_in(event.data, "id"), event.data.get("path"))
    if path is None:
        return StillTrue()
    try:
        comment = Fields(client.get(path).value)
    except SourceFault as fault:
        if fault.status != NOT_FOUND:
            raise
        return Dropped("the comment was deleted")
    comment.id()  # what has none is no comment
    if (
        mark(comment.text("body")) != event.id.rpartition("/")[2]
    ):  # what is stored of it has no secrets any more
        return Dropped("the comment says something else by now, which is an event of its own")
    return StillTrue()


def _check(event: Event, source: Source, forge: Forge, client: Client) -> Answer:
    """The end of the log of a check that failed, as far as there is one to be had."""
    if not event.data.get("failed"):
        return StillTrue()
    for path in forge.log_paths(source.repo, event.data):
        try:
            lines = client.tail(path, LOG_LINES)
        except SourceFault as fault:
            if fault.retry_at_ms is not None:
                raise
            continue
        if lines:
            text = "\n".join(map(_plain, lines))
            return StillTrue(f"The end of the log of {event.data.get('check')}:\n\n{text}")
    return StillTrue()


def _plain(line: str) -> str:
    """A line without what colours it."""
    import re

    return re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", line)
