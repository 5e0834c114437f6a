"""The threads that a command is for: those that are named, or all that are as `--where` says.

They are chosen once, before anything is done: a name that is wrong stops the command while nothing has changed. What
changes in a thread after that is for its own run to say.
"""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import arg, opt
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from uwf.cli.context import Context

THREADS = arg(
    "A ULID, 4+ characters of it, or @last; several are done one after the other.",
    metavar="THREAD",
    complete="thread",
)
WHERE = opt(
    "--where",
    metavar="K=V[,K=V...]",
    complete="where",
    help="Instead of THREAD, all that are so: status=, label=K=V, workflow=, class= (of the failure), age=2h (or "
    "older; -2h: younger). May be repeated: all must hold.",
)
LABEL = opt(
    "--label",
    metavar="K=V",
    help="As --where label=K=V, and as `thread list` has it; may be repeated.",
)
DRY_RUN = opt("--dry-run", help="Only show which threads it would be.")
DETACH = opt(
    "--detach", help="Give the id back and run on without this shell; `thread watch` follows it."
)
JOBS = opt("--jobs", metavar="N", low=1, help="So many threads at a time. [default: 1]")

OF_SEVERAL = (
    "Several threads are run as several processes, each line with its thread. The exit code is that of the one that "
    "needs the most: a signal, 1, 2, 4, 5, 6, 3, 75, 0."
)
"""Of the help of each verb that takes them."""

KEYS = {
    "status": "statuses",
    "label": "labels",
    "workflow": "workflow",
    "class": "classes",
    "age": "",
}
"""What may be a condition, and what `App.threads` calls it."""
STATES = ("idle", "suspended", "completed", "cancelled", "running", "waiting", "corrupt")
"""What may stand alone as one: that is the status."""


class Chosen(Record):
    """What was typed to choose threads, and how they are taken. `statuses` are those that the verb is for, where no
    status is given; with `failed` it is for threads alone whose last attempt has failed. `done` is what is said of each
    of several, where that is all there is to say.
    """

    verb: str
    threads: tuple[str, ...]
    where: tuple[str, ...]
    dry_run: bool
    jobs: int | None
    statuses: Sequence[str] | str
    failed: bool = False
    done: str | None = None
    labels: tuple[str, ...] = ()

    def each(
        self,
        ctx: Context,
        alone: Callable[[str], int | None],
        text: str | None = None,
        detach: Callable[[list[str]], int] | None = None,
    ) -> int:
        """Do the verb to each of them; the exit code. `alone` does it to one that is named, whose answer is what it is
        without any choice; `detach`, where it is given, to all. `text` is the TEXT that was typed.
        """
        ids = self.ids(ctx)
        if self.dry_run:
            self.show(ctx, ids)
            return exits.DONE
        if detach is not None:
            return detach(ids)
        if self.is_one:
            return alone(ids[0]) or exits.DONE
        if not ids:
            return exits.DONE
        from uwf.cli.thread import parallel

        return parallel.run(ctx, ids, text, jobs=self.jobs or 1, done=self.done)

    @property
    def is_one(self) -> bool:
        """Whether one thread is named: its answer is what it is without any choice."""
        return len(self.threads) == 1

    @property
    def is_choice(self) -> bool:
        """Whether it is said how the threads are."""
        return bool(self.where or self.labels)

    @property
    def typed(self) -> str:
        """The command, up to its options, as a hint may begin."""
        which = " ".join(self.threads) or "THREAD"
        if self.is_choice:
            import shlex  # a third of what it takes to look at a thread

            words = [("--where", each) for each in self.where]
            words += [("--label", each) for each in self.labels]
            which = shlex.join(word for pair in words for word in pair)
        return f"uwf thread {self.verb} {which}"

    def ids(self, ctx: Context) -> list[str]:
        """The ids, each once: in the order in which they are named, else the most urgent first, then the oldest."""
        if bool(self.threads) == self.is_choice:
            raise InputError(
                "name the threads or say which with --where, not both"
                if self.threads
                else "which threads? Name them, or say which with --where",
                hint=f"uwf thread {self.verb} @last",
                code="usage",
            )
        if self.threads:
            return list(dict.fromkeys(map(ctx.app.thread_id, self.threads)))
        said = conditions(self.where, self.labels, f"uwf thread {self.verb}")
        found = ctx.app.threads(**{"statuses": self.statuses, **said}).threads
        fits = [each for each in found if each.error is not None or not self.failed]
        fits.sort(key=lambda each: (-each.priority, each.thread))
        if not fits:
            ctx.out.note("no thread is as asked for")
        return [each.thread for each in fits]

    def show(self, ctx: Context, ids: list[str]) -> None:
        """Answer `--dry-run`: a row a thread, a line of JSON a thread."""
        from uwf.cli.thread.columns import ThreadTable

        threads = [ctx.app.show(id) for id in ids]
        if ctx.json or ctx.quiet:
            for thread in threads:
                ctx.out.line(thread, id=thread.thread)
            return
        ThreadTable().answer(ctx, threads)


def conditions(words: tuple[str, ...], labelled: tuple[str, ...], command: str) -> dict[str, Any]:
    """What `App.threads` is asked for `--where` and `--label` of a command."""
    import shlex

    from uwf.cli.line.arguments import label_pair

    typed = f"{command} --where"
    found: dict[str, Any] = {}
    labels = dict(label_pair(each, f"{command} --label ") for each in labelled)
    for word in (each for joined in words for each in _split(joined)):
        is_status = word.partition(",")[0].strip() in STATES
        key, equals, value = ("status", "=", word) if is_status else word.partition("=")
        if key not in KEYS or not equals or not value:
            raise InputError(
                f"{word!r} is no condition: there are {', '.join(f'{each}=' for each in KEYS)}",
                hint=f"{typed} status=suspended",
                code="usage",
            )
        name = KEYS[key]
        if name in found:
            raise InputError(
                f"two conditions for {key}: one thread cannot meet both",
                hint=shlex.join((*typed.split(), f"{key}={value}")),
                code="usage",
            )
        if key == "label":
            labels.update([label_pair(value, f"{typed} label=")])
        elif key == "age":
            found |= _age(value, typed)
        elif key == "workflow":
            found[name] = value
        else:
            found[name] = tuple(each.strip() for each in value.split(",") if each.strip())
    return {**found, "labels": labels}


def _split(word: str) -> list[str]:
    """The conditions in one word: they may be joined by commas, as several values of one of them are."""
    found: list[str] = []
    for part in word.split(","):
        begins = not found or (part.partition("=")[0] in KEYS and "=" in part)
        if begins:
            found.append(part)
        else:
            found[-1] += f",{part}"
    return found


def _age(text: str, typed: str) -> dict[str, int]:
    """When a thread of that age was begun: `2h` is that long ago or longer, `-2h` is less."""
    from uwf import clock, quantities

    try:
        ago_ms = clock.now_ms() - round(quantities.duration_s(text.lstrip("+-")) * 1000)
    except (InputError, ValueError):
        raise InputError(
            f"{text!r} is no age: 2h is two hours or older, -2h is younger",
            hint=f"{typed} age=2h",
            code="usage",
        ) from None
    return {"since_ms": ago_ms} if text.startswith("-") else {"until_ms": ago_ms}
