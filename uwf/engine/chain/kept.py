"""Replies that have come and could not be stored: one file each beside the store, until a command takes it in.

    uwf reply 1 <BLAKE3 of all that follows>
    {"thread": …, "plan": …, "came": …}            one line of JSON
    the reply, as the agent gave it

An agent may have worked for hours, and what it said is not to be lost to a disk that filled up meanwhile. So every run
takes some room of the disk before it asks an agent, as an empty file that is written to when there is no other place
left. A file has its name once all of it is on disk. Secrets are taken out before.
"""

from __future__ import annotations

import os

from uwf import home as paths
from uwf import owned, points
from uwf.engine.chain import usage
from uwf.engine.chain.nodes import WRONG_SHAPE, ClientFacts, Plan
from uwf.engine.chain.word import Word
from uwf.errors import StoreError
from uwf.record import Record, replace
from uwf.store import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.agent.protocol import AgentResult

ROOM_BYTES = 1 << 20
"""Enough for nearly every reply. Of a longer one, on a full disk, the beginning is kept, and what it cost."""

FIRST_WORDS = "uwf reply 1 "
MARK_DIGITS = 16
IS_CUT = "only its beginning: there was no room for all, and its agent will be asked again"
_SUFFIX = ".reply"


class Came(Record):
    """An answer that has come, and what its agent had said of itself by then.

    `session` and `usage` are those of the asks of the attempt before this one; `said_usage` and `resets_ms` are from
    events of this one; `budget_s` is the time that a budget had left for it, if that was what bounded it.
    """

    answer: AgentResult
    session: str | None
    usage: dict[str, Any] | None
    said_usage: dict[str, float] | None
    resets_ms: int | None
    budget_s: float | None
    duration_ms: int


class KeptReply(Record):
    """A reply with all that is needed to go on as if it came now.

    `begun` is the start of its attempt. `usage` is what the attempt has used with this reply. `turns` are those that
    could not be stored: who spoke, the kind, the text. `client` is what its client has said of itself. Without
    `is_whole` the end of the reply is missing. `before` and `files` are as in the start of its attempt, for a store
    that has forgotten that.
    """

    thread: str
    begun: str
    mark: str
    agent: str
    plan: Plan
    came: Came
    usage: dict[str, Any] | None
    turns: tuple[tuple[str, str, str], ...]
    client: ClientFacts = ClientFacts()
    is_whole: bool = True
    before: str | None = None
    files: str | None = None


def path_of(home: str, thread: str, mark: str) -> str:
    """Where the reply of the attempt with that `mark` is kept, if it is."""
    return os.path.join(paths.replies(home), f"{thread}-{mark[:MARK_DIGITS]}{_SUFFIX}")


def found(home: str, thread: str = "") -> list[str]:
    """The paths of the replies that are kept of `thread`, by default of all."""
    try:
        names = os.listdir(paths.replies(home))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"cannot look for kept replies in {paths.replies(home)}: {error.strerror}",
            hint=f"ls -la {home}",
        ) from error
    return sorted(
        os.path.join(paths.replies(home), name)
        for name in names
        if name.startswith(thread) and name.endswith(_SUFFIX)
    )


def thread_of(path: str) -> str:
    """The thread that the reply at `path` is of."""
    return os.path.basename(path).partition("-")[0]


def only_beginning(path: str) -> bool:
    """Whether there was no room for the whole of the reply at `path`. Of one that cannot be read nothing is said."""
    try:
        return not load(path).is_whole
    except StoreError:
        return False


def cost(path: str) -> dict[str, float]:
    """What the attempt whose reply is kept at `path` has used; nothing where that cannot be read."""
    try:
        reply = load(path)
    except StoreError:
        return {}
    return usage.of_attempt(reply.usage, reply.came.duration_ms, reply.client.unsaid)


def cost_of_all(home: str) -> dict[str, float]:
    """What the attempts have used whose replies are kept."""
    return usage.add({}, *map(cost, found(home)))


class Room:
    """Some of the disk, for one reply that may find no other place. With none to be had, one does without."""

    def __init__(self, home: str) -> None:
        self._home = home
        name = f".room-{os.getpid()}-{os.urandom(4).hex()}"
        self._path = os.path.join(paths.replies(home), name)
        self.size_bytes = 0

    def __enter__(self) -> Room:
        try:
            file = self._open()
        except OSError:
            return self
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file, 0, ROOM_BYTES)
            else:
                os.write(file, bytes(ROOM_BYTES))
            self.size_bytes = ROOM_BYTES
        except OSError:
            pass
        finally:
            os.close(file)
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            files.discard(self._path)
        except OSError:
            return  # of a disk that fails, which is told otherwise: a reply may just have been kept

    def keep(self, reply: KeptReply) -> tuple[str, bool]:
        """Write `reply` to disk; the path of its file, and whether all of it is there.

        Raises `OSError` when not even its cost can be kept.
        """
        path = path_of(self._home, reply.thread, reply.mark)
        shorter = replace(reply, turns=(), is_whole=False)
        for most_bytes, kept in ((None, reply), (self.size_bytes, shorter), (0, shorter)):
            try:
                self._write(_encoded(kept, most_bytes))
                points.at("kept: synced")
                os.rename(self._path, path)
                files.sync(os.path.dirname(path))
                return path, kept.is_whole
            except OSError as error:
                fault = error
        raise fault

    def _write(self, data: bytes) -> None:
        """Into the room, so that nothing more is needed of the disk."""
        file = self._open()
        try:
            while written := os.write(file, data):
                data = data[written:]
            os.ftruncate(file, os.lseek(file, 0, os.SEEK_CUR))
            os.fsync(file)
        finally:
            os.close(file)

    def _open(self) -> int:
        """The file, made anew where somebody has removed it, and its home with it."""
        paths.made(os.path.dirname(self._path))
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self._path, flags, files.FILE_MODE)
        owned.give(self._path)
        return file


def load(path: str) -> KeptReply:
    """The reply that is kept at `path`. Raises `StoreError` for a file that is not as it was written."""
    import json

    from blake3 import blake3

    try:
        with open(path, "rb") as file:
            first, facts, text = file.readline(), file.readline(), file.read()
        if first.decode().split() != [*FIRST_WORDS.split(), blake3(facts + text).hexdigest()]:
            raise ValueError("its hash is another one")
        return _decoded(json.loads(facts), text.decode())
    except (OSError, *WRONG_SHAPE) as error:
        raise StoreError(
            f"the kept reply {path} cannot be read: {error}; without it its agent will be asked again",
            hint=f"mv {path} {path}.damaged",
            code="bad_kept_reply",
        ) from error


def _encoded(reply: KeptReply, most_bytes: int | None) -> bytes:
    """The file of `reply`, with as much of the text as fits into `most_bytes`; None is all of it."""
    import json

    from blake3 import blake3

    came, answer = reply.came, reply.came.answer
    text = answer.text.encode(errors="replace")
    facts = {
        **vars(reply),
        "plan": {**vars(reply.plan), "told": [vars(word) for word in reply.plan.told]},
        "client": reply.client.to_payload().get("client", {}),
        "came": {
            **vars(came),
            "answer": {
                **vars(answer),
                "text": None,
                "tail": _place_of_tail(answer) if reply.is_whole else "",
                "stderr": answer.stderr if reply.is_whole else "",
                "failure": None if answer.failure is None else vars(answer.failure),
                "process": None if answer.process is None else vars(answer.process),
            },
        },
    }
    line = f"{json.dumps(facts)}\n".encode()
    if most_bytes is not None:
        text = text[: max(0, most_bytes - len(line) - len(FIRST_WORDS) - 65)]
        text = text.decode(errors="ignore").encode()
    return f"{FIRST_WORDS}{blake3(line + text).hexdigest()}\n".encode() + line + text


def _place_of_tail(answer: AgentResult) -> str | int:
    """The tail, or how long it is: nearly always it is the end of the text, and need not stand there twice."""
    return len(answer.tail) if answer.text.endswith(answer.tail) else answer.tail


def _decoded(facts: dict[str, Any], text: str) -> KeptReply:
    from uwf.agent.protocol import AgentFailure, AgentResult, ProcessFacts  # few homes keep any

    came = facts["came"]
    answer, tail = {**came["answer"], "text": text}, came["answer"]["tail"]
    answer["tail"] = text[len(text) - tail :] if isinstance(tail, int) else tail
    if answer["failure"] is not None:
        answer["failure"] = AgentFailure(**answer["failure"])
    if answer["process"] is not None:
        survivors = tuple(answer["process"]["survivors"])
        answer["process"] = replace(ProcessFacts(**answer["process"]), survivors=survivors)
    fields = {
        "plan": plan_of(facts["plan"]),
        "client": ClientFacts.of(facts),
        "came": Came(**{**came, "answer": AgentResult(**answer)}),
        "turns": tuple((speaker, kind, said) for speaker, kind, said in facts["turns"]),
    }
    return KeptReply(**{**facts, **fields})


def plan_of(facts: Mapping[str, Any]) -> Plan:
    """The plan in a file; one of before there were words has what a person added as `supplement`."""
    plan = {**facts, "told": tuple(Word(**word) for word in facts.get("told", ()))}
    if "supplement" in plan:
        plan["remark"] = plan.pop("supplement")
    return Plan(**plan)
