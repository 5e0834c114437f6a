"""One poll of one pull request: what is new on it since the last one, oldest first.

An object is new when it was not seen before, or says something else than it did. What was written before the thread
began that carries the pull request is no news. Lists that can be asked by time are asked from a little before the
newest object seen, since a forge may show an older one late.
"""

from __future__ import annotations

from uwf import clock
from uwf.daemon.sources.forges.client import SourceFault
from uwf.daemon.sources.forges.fields import Fields
from uwf.daemon.sources.memory import GONE, OPEN, PageMemory, PullMemory, StreamMemory
from uwf.errors import InputError
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.unattended.events import Event
    from uwf.daemon.sources.forges.client import Client
    from uwf.daemon.sources.forges.forge import Forge, ForgeObject, Inside, Repo, Stream
    from uwf.daemon.sources.watching import Pull

OVERLAP_MS = 5 * 60_000
MAX_PAGES, MAX_KNOWN = 20, 200
"""Of one list in one poll: pages that have changed, and those that have not."""
SMALLEST_PAGE = 30
"""No forge has shorter pages. A last page that is as long may be full: the next object stands on another one, and this
one is told to be unchanged. So it is asked for anew."""
OK, NOT_FOUND = 200, 404


class PullPolled(Record):
    """What a poll of one pull request gave. `fault` is why it is not all; `is_cut`: there is more, no room was left."""

    events: tuple[Event, ...]
    memory: PullMemory
    fault: SourceFault | None = None
    is_cut: bool = False


class PullPoll:
    """Asks one forge about one pull request."""

    def __init__(self, forge: Forge, repo: Repo, client: Client, pull: Pull) -> None:
        self._forge, self._repo, self._client, self._pull = forge, repo, client, pull
        self._unread: list[str] = []
        """The lists that have more pages than are read in one go."""

    def run(self, memory: PullMemory, room: int) -> PullPolled:
        """At most `room` events. Raises nothing: what went wrong stands beside what was found before."""
        events: list[Event] = []
        fault, is_cut, head = None, False, memory.head
        try:
            memory, ended = self._state(memory)
        except SourceFault as error:  # noted, so that it stands in no other's way the next time
            return PullPolled((), replace(memory, polled_ms=clock.now_ms()), error)
        if memory.state != GONE:
            for stream in self._forge.paths:
                try:
                    before = memory.streams.get(stream.name)
                    if before is None or (stream.by_head and memory.head != head):
                        before = StreamMemory(self._pull.begun_ms, {})
                    news, after, cut = self._stream(stream, memory.head, before, room - len(events))
                except SourceFault as error:
                    fault = fault or error
                    if error.retry_at_ms is not None:
                        break
                    continue
                events += news
                is_cut |= cut
                memory = replace(memory, streams={**memory.streams, stream.name: after})
        if self._unread and fault is None:
            lists = " and ".join(self._unread)
            why = f"the {lists} of {self._repo.name}#{self._pull.number} are too many to read all at once"
            fault = SourceFault(why, status=OK)
        if ended is not None:
            is_cut |= len(events) >= room
            events += () if is_cut or fault else (ended,)
        if (is_cut or fault) and memory.has_ended and memory.state != GONE:
            memory = replace(memory, state=OPEN, etag=None)  # or it would not be asked about again
        events.sort(key=lambda event: (event.at_ms, event.id))
        active_ms = max((event.at_ms for event in events), default=0)
        memory = replace(
            memory, active_ms=max(memory.active_ms, active_ms), polled_ms=clock.now_ms()
        )
        return PullPolled(tuple(events), memory, fault, is_cut)

    def _state(self, memory: PullMemory) -> tuple[PullMemory, Event | None]:
        """The pull request itself; the event that it has ended, where it has since the last poll."""
        path = self._forge.pull_path(self._repo.name, self._pull.number)
        try:
            answer = self._client.get(path, memory.etag)
            if answer.is_unchanged:
                return memory, None
            now = self._forge.pull(self._repo, Fields(answer.value))
        except SourceFault as error:
            if error.status != NOT_FOUND:
                raise
            check_repo(self._client, self._forge, self._repo.name)
            return replace(memory, state=GONE, etag=None), None
        except InputError as error:
            raise SourceFault(f"{path}: {error.message}", status=OK) from None
        ended = now.event if now.state != memory.state else None
        if ended is not None and ended.at_ms < self._pull.begun_ms:
            ended = None
        return replace(memory, state=now.state, head=now.head, etag=answer.etag), ended

    def _stream(
        self, stream: Stream, head: str, before: StreamMemory, room: int
    ) -> tuple[list[Event], StreamMemory, bool]:
        """The news of one list, what to remember of it, and whether some found no room."""
        found, pages = self._listed(stream, head, before)
        news = _news(found, before)
        for each in tuple(news):
            if each.inside is not None:
                news += _news(self._inside(stream, each.inside), before)
        news.sort(key=lambda each: (each.at_ms, each.key))
        taken = _fitting(news, room)
        is_cut = len(taken) < len(news)
        seen = {**before.seen, **{each.key: (each.mark, each.at_ms) for each in taken}}
        since_ms = before.since_ms
        if stream.by_time and taken:
            since_ms = max(since_ms, max(each.at_ms for each in taken) - OVERLAP_MS)
            seen = {key: mark for key, mark in seen.items() if mark[1] >= since_ms}
        after = StreamMemory(since_ms, seen, () if is_cut else pages)
        return [each.event for each in taken if each.event is not None], after, is_cut

    def _listed(
        self, stream: Stream, head: str, before: StreamMemory
    ) -> tuple[list[ForgeObject], tuple[PageMemory, ...]]:
        """What stands on the pages that have changed, and what to remember of all pages."""
        since = clock.iso(before.since_ms)
        path: str | None = self._forge.paths[stream].format(
            repo=self._repo.name, number=self._pull.number, head=head, since=since
        )
        found: list[ForgeObject] = []
        pages: list[PageMemory] = []
        changed = 0
        while path is not None:
            if changed >= MAX_PAGES or len(pages) >= MAX_KNOWN:
                self._unread.append(stream.name)
                break
            known = before.page(path)
            answer = self._client.get(path, known.etag if known is not None else None)
            if known is not None and answer.is_unchanged:
                pages.append(known)
                path = known.next_url
                continue
            changed += 1
            found += self._read(stream, answer.value, self._repo)
            may_grow = answer.next_url is None and _length(answer.value) >= SMALLEST_PAGE
            if answer.etag is not None and not may_grow:
                pages.append(PageMemory(path, answer.etag, answer.next_url))
            path = answer.next_url
        return found, tuple(pages)

    def _inside(self, stream: Stream, inside: Inside) -> list[ForgeObject]:
        return self._read(stream, self._client.get(inside.path).value, inside.repo)

    def _read(self, stream: Stream, value: object, repo: Repo) -> list[ForgeObject]:
        number = self._pull.number
        try:
            return self._forge.read(repo, number, stream, value)
        except InputError as error:
            what = f"the {stream.name} of {repo.name}#{number}"
            raise SourceFault(f"{what} cannot be read: {error.message}", status=OK) from None


def check_repo(client: Client, forge: Forge, repo: str) -> None:
    """Raise `SourceFault` where nothing of a repository can be seen: a forge says of all in it that it is not found, to
    whom it does not know.
    """
    try:
        client.get(forge.repo_path(repo))
    except SourceFault as error:
        if error.status != NOT_FOUND:
            raise
        raise SourceFault(f"{repo} is not there, or the token may not read it") from None


def _length(value: object) -> int:
    """How many objects a page has."""
    lists = value.values() if isinstance(value, dict) else (value,)
    return max((len(each) for each in lists if isinstance(each, list)), default=0)


def _news(found: list[ForgeObject], before: StreamMemory) -> list[ForgeObject]:
    """Those that were not seen, or not as they are now."""
    return [
        each
        for each in found
        if each.at_ms >= before.since_ms and before.mark(each.key) != each.mark
    ]


def _fitting(news: list[ForgeObject], room: int) -> list[ForgeObject]:
    """The oldest of `news` whose events find room. Where not all do, what had to be asked for is asked for again."""
    taken: list[ForgeObject] = []
    for each in news:
        if each.event is not None:
            if not room:
                return [one for one in taken if one.inside is None]
            room -= 1
        taken.append(each)
    return taken
