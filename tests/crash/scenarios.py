"""The commands that are killed: what there is before, what is killed, and how a person would go on.

Points are named as in `uwf.points`; `POINT:2` is its second time. Every point belongs to a scenario, which a test
proves.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.crash import reading
from tests.crash.world import CONFIG, WORKFLOW, Ended, Obstacle, Running, World, wait_until
from uwf import clock
from uwf.engine.history import HISTORY
from uwf.engine.model import THREADS
from uwf.store.codec import Link

SAID = "and mind the second paragraph"
SAID_BEFORE = "the title is missing"
LIVELY = "stream brood"
ENTRIES = 40
GARBAGE = 60
MOST_COMMANDS = 12


class Scenario(NamedTuple):
    """A command and its surroundings.

    `prepare` makes the world, once. `upset` is done to each copy before the command; `beside` runs while the command
    does. `command` is killed, its agents behaving as `agent` says. `interrupt` gets it SIGTERM as soon as its agent
    runs. `next` is the first command afterwards (None: there is nothing left to do), and `finish` brings the world
    to the end that it would have had without the kill; the same end, if it `ends_alike`.

    `state` is what must be old or new: one of the states that an undisturbed run goes through (`path`, by default
    from the log of moves), and of those only the first and the last when it is `whole`. What the command `says` to
    the next role is in its prompt once an agent was given it; what was `said_before` always is. A command that
    `gives_up` leaves a step or a try on purpose, with what was said in it.
    """

    name: str
    prepare: Callable[[World], None]
    command: Callable[[World], list[str]]
    points: tuple[str, ...]
    agent: str = ""
    upset: Callable[[World], None] = lambda world: None
    beside: Callable[[World], Running] | None = None
    interrupt: bool = False
    next: Callable[[World], Ended | None] = lambda world: step_on(world)
    finish: Callable[[World], None] = lambda world: go_on(world)
    state: Callable[[World], Any] = lambda world: present(world)
    path: tuple[Any, ...] | None = None
    whole: bool = True
    ends_alike: bool = True
    gives_up: bool = False
    codes: tuple[int, ...] = (0,)
    says: str | None = None
    said_before: str | None = None


def present(world: World) -> Any:
    if not world.has_store:
        return ()
    with world.store() as store:
        return reading.state(store)


def past(world: World) -> list[Any]:
    if not world.has_store:
        return [()]
    with world.store() as store:
        return reading.history(store)


# -- worlds to begin with


def empty(world: World) -> None:
    """A home without a store."""


def started(world: World) -> None:
    """One thread, before its first step."""
    world.must("thread", "start", world.workflow, "-p", "Write about crashes.")


def two_started(world: World) -> None:
    started(world)
    started(world)


def crashed_often(world: World) -> None:
    """A thread whose first step died four times: more often than it may fail."""
    started(world)
    for _ in range(4):
        crashed(world)


def suspended(world: World) -> None:
    """A thread whose reviewer waits for a person, with a failed attempt and what was said before beside it."""
    started(world)
    world.must("thread", "exec", "@last")
    world.must("thread", "exec", "@last", agent="ask", codes=(3,))
    said = ("--supplement", SAID_BEFORE)
    world.must("thread", "resume", "@last", *said, agent="fail", codes=(6,))


def failed(world: World) -> None:
    """A thread whose second step was tried in vain, with a supplement."""
    started(world)
    world.must("thread", "exec", "@last")
    said = ("--supplement", SAID_BEFORE)
    world.must("thread", "exec", "@last", *said, agent="fail", codes=(6,))


def completed(world: World) -> None:
    """A thread that went through the graph once."""
    started(world)
    world.must("thread", "exec", "@last", "--until-done")


def limited(world: World) -> None:
    started(world)
    config = world.home / "config.toml"
    config.write_text(CONFIG.replace("max_steps = 20", "max_steps = 2"))


def reworked(world: World) -> None:
    """A thread with a failed attempt, and a workflow whose file has changed since."""
    failed(world)
    changed = WORKFLOW.replace("Review what was written", "Review again what was written")
    (world.folder / "changed.yaml").write_text(changed)


def exported(world: World) -> None:
    completed(world)
    world.must("thread", "export", "@last", "-o", str(world.folder / "thread.uwf"))
    (world.home / "store.db").unlink()
    started(world)


def old_layout(world: World) -> None:
    """Completed threads under the old prefix, one of them under the new one too."""
    completed(world)
    with world.store() as store, store.transaction() as tx:
        [thread] = reading.threads(tx)
        head = tx.refs()[0].id
        for number in range(ENTRIES):
            id = clock.ulid(clock.ulid_ms(thread) + 1 + number)
            reason = ("cancelled", "completed", "out of money")[number % 3]
            tags = {"reason": reason, "completedAt": "1700000000000"}
            tx.set_ref(HISTORY + id, head, tags=tags, why="an older uwf")
        tx.set_ref(HISTORY + thread, head, tags={"reason": "completed"}, why="an older uwf")


def littered(world: World) -> None:
    """Objects that nothing needs, some of them linked to each other, and a thread that is being stepped."""
    started(world)
    with world.store() as store, store.transaction() as tx:
        last: str | None = None
        for number in range(GARBAGE):
            text = f"garbage {number} " * (9000 if number % 20 == 0 else 10)
            last = tx.put("litter", {"text": text, "next": Link(last) if last else None})


# -- what happens before and beside the command


def crashed(world: World) -> None:
    """An exec dies between two turns. What its agent has left behind lives on."""
    env = {"UWF_CRASH_AT": "turn: kept:2"}
    ended = world.run("thread", "exec", "@last", agent=LIVELY, env=env)
    if not ended.was_killed or not world.alive():
        raise Obstacle(f"this should have died and left its agent's children behind: {ended}")


def stepping(world: World) -> Running:
    return world.start("thread", "exec", "@last", "--until-done", agent="stream")


def slow_step(world: World) -> Running:
    """The oldest thread is stepped, and has the one slot there is."""
    with world.store() as store:
        oldest = reading.threads(store)[0]
    running = world.start("thread", "exec", oldest, agent="slow brood")
    wait_until(lambda: world.agent_runs() or not running.is_running(), "its agent runs")
    return running


# -- commands


def thread(*words: str) -> Callable[[World], list[str]]:
    return lambda world: ["thread", *words]


def start(world: World) -> list[str]:
    return ["thread", "start", world.workflow, "-p", "Write about crashes."]


def rebinding(world: World) -> list[str]:
    file = str(world.folder / "changed.yaml")
    return ["thread", "exec", "@last", "--workflow", file, "--supplement", SAID]


def importing(world: World) -> list[str]:
    return ["thread", "import", str(world.folder / "thread.uwf")]


def backing_up(world: World) -> list[str]:
    return ["store", "backup", str(world.home / "backup.db")]


# -- going on


def standing(world: World, thread: str) -> str:
    """The status of a thread, or of the newest for "@last", without a command that would open the store first."""
    with world.store() as store:
        id = reading.threads(store)[-1] if thread == "@last" else thread
        ref = store.ref(THREADS + id)
        return ref.tags["status"] if ref else ""


def step_on(world: World) -> Ended | None:
    """The next command on the newest thread: what its status asks for."""
    verb = {"idle": "exec", "suspended": "resume"}.get(standing(world, "@last"))
    return world.must("thread", verb, "@last", codes=(0, 3)) if verb else None


def go_on(world: World) -> None:
    """Step every thread until it is completed or cancelled."""
    with world.store() as store:
        all_threads = reading.threads(store)
    for thread in all_threads:
        for _ in range(MOST_COMMANDS):
            status = standing(world, thread)
            if status in ("completed", "cancelled"):
                break
            verb = "exec" if status == "idle" else "resume"
            world.must("thread", verb, thread, "--until-done", codes=(0, 3))
        else:
            raise Obstacle(f"thread {thread} does not come to its end")


def again(
    command: Callable[[World], list[str]], *, unless: Callable[[World], bool] = lambda world: False
) -> Callable[[World], Ended | None]:
    """The killed command once more, unless it has taken effect."""
    return lambda world: None if unless(world) else world.must(*command(world))


def thread_count(world: World) -> int:
    if not world.has_store:
        return 0
    with world.store() as store:
        return len(reading.threads(store))


def has_threads(count: int) -> Callable[[World], bool]:
    return lambda world: thread_count(world) == count


def was_poked(world: World) -> bool:
    return any(row["replaces"] for row in reading.step_rows(world))


def is_cancelled(world: World) -> bool:
    return standing(world, "@last") == "cancelled"


def has_no_step(world: World) -> bool:
    return world.must("step", "list", "@last").answers == [[]]


def resume_unless_resumed(world: World) -> Ended | None:
    """A completed thread whose new round was not begun is resumed once more, with the same words."""
    if world.must("thread", "show", "@last").answers[-1]["rounds"] == 2:
        return step_on(world)
    return world.must("thread", "resume", "@last", "--supplement", SAID)


def exec_unless_rebound(world: World) -> Ended | None:
    with world.store() as store:
        bound = any(move.why.startswith("rebound") for move in store.moves_since(0))
    return step_on(world) if bound else world.must(*rebinding(world))


def litter(world: World) -> int:
    with world.store() as store:
        return sum(store.get(id).kind == "litter" for id in store.ids())


def backup_state(world: World) -> str:
    """Whether there is a backup. One that is there must be whole: it is used as a store."""
    if not os.path.lexists(world.home / "backup.db"):
        return "absent"
    other = World(world.folder / "restored")
    other.home.mkdir(parents=True, exist_ok=True)
    other.project.mkdir(exist_ok=True)
    shutil.copy(world.home / "backup.db", other.home / "store.db")
    report = other.must("store", "verify", "--deep").answers[-1]
    if not report["refs"]:
        raise Obstacle("the backup is empty")
    past(other)  # raises unless it is at a whole transaction
    return "whole"


SCENARIOS = (
    Scenario(
        "start, the first in its home",
        empty,
        start,
        ("store: filled", "file: synced", "file: linked", "start: begun"),
        next=again(start, unless=has_threads(1)),
    ),
    Scenario(
        "start",
        started,
        start,
        ("start: written", "start: done"),
        next=again(start, unless=has_threads(2)),
    ),
    Scenario(
        "exec",
        started,
        thread("exec", "@last"),
        (
            "run: locked",
            "run: settled",
            "step: decided",
            "guards: passed",
            "agent: at the gate",
            "attempt: objects written",
            "attempt: recorded",
            "agent: let go",
            "turn: written",
            "turn: kept",
            "turn: written:3",
            "turn: kept:3",
            "agent: told to end",
            "agent: ended",
            "step: judged",
            "step: objects written",
            "step: head moved",
            "step: written",
            "step: done",
            "step: told",
        ),
        agent=LIVELY,
    ),
    Scenario(
        "exec --until-done",
        started,
        thread("exec", "@last", "--until-done"),
        ("step: head moved:2", "step: done:3", "step: told:2", "agent: let go:4", "step: told:4"),
        agent=LIVELY,
        whole=False,
    ),
    Scenario(
        "exec, a bad reply",
        started,
        thread("exec", "@last"),
        ("reply: refused", "agent: at the gate:2", "attempt: recorded:2", "agent: let go:2"),
        agent="bad brood",
    ),
    Scenario(
        "exec, the agent fails",
        started,
        thread("exec", "@last", "--supplement", SAID),
        ("failure: judged", "failure: objects written", "failure: written", "failure: done"),
        agent="fail brood",
        codes=(6,),
        says=SAID,
    ),
    Scenario(
        "exec, stopped by SIGTERM",
        started,
        thread("exec", "@last"),
        ("agent: told to end", "aside: judged", "aside: written", "aside: done"),
        agent="slow brood",
        interrupt=True,
        codes=(143,),
    ),
    Scenario(
        "exec, tried again",
        started,
        thread("exec", "@last"),
        ("aside: judged", "aside: written", "aside: done", "guards: passed:2"),
        agent="flaky brood",
    ),
    Scenario(
        "exec --wait, in line",
        two_started,
        thread("exec", "@last", "--wait", "30"),
        ("line: joined", "line: left", "guards: passed", "attempt: recorded"),
        agent=LIVELY,
        beside=slow_step,
        whole=False,
    ),
    Scenario(
        "exec after crashes",
        crashed_often,
        thread("exec", "@last"),
        ("agent: told to end", "settle: processes ended", "settle: written", "run: settled"),
        agent=LIVELY,
        upset=crashed,
    ),
    Scenario(
        "exec --until-done to the limit",
        limited,
        thread("exec", "@last", "--until-done"),
        ("move: written", "move: done"),
        whole=False,
        codes=(3,),
    ),
    Scenario(
        "exec --workflow",
        reworked,
        rebinding,
        ("rebind: head moved", "rebind: written", "rebind: done", "step: head moved"),
        whole=False,
        next=exec_unless_rebound,
        says=SAID,
        said_before=SAID_BEFORE,
    ),
    Scenario(
        "resume, suspended",
        suspended,
        thread("resume", "@last", "--supplement", SAID),
        ("attempt: objects written", "attempt: recorded", "turn: kept:2", "step: head moved"),
        agent=LIVELY,
        says=SAID,
        said_before=SAID_BEFORE,
    ),
    Scenario(
        "resume, completed",
        completed,
        thread("resume", "@last", "--supplement", SAID),
        ("attempt: thread reopened", "attempt: recorded", "turn: kept", "step: head moved"),
        agent=LIVELY,
        whole=False,
        next=resume_unless_resumed,
        says=SAID,
    ),
    Scenario(
        "poke",
        completed,
        thread("poke", "@last", "-p", SAID),
        ("attempt: recorded", "step: head moved", "step: done"),
        agent=LIVELY,
        whole=False,
        next=again(thread("poke", "@last", "-p", SAID), unless=was_poked),
        says=SAID,
        gives_up=True,
    ),
    Scenario(
        "fork",
        completed,
        thread("fork", "@last", "-p", SAID),
        ("fork: written", "fork: plan held", "fork: done"),
        next=again(thread("fork", "@last", "-p", SAID), unless=has_threads(2)),
        says=SAID,
    ),
    Scenario(
        "cancel",
        failed,
        thread("cancel", "@last", "--reason", "enough"),
        ("cancel: written", "cancel: done"),
        next=again(thread("cancel", "@last", "--reason", "enough"), unless=is_cancelled),
        gives_up=True,
    ),
    Scenario(
        "cancel what runs",
        started,
        thread("cancel", "@last", "--reason", "enough"),
        ("cancel: run ended",),
        beside=slow_step,
        next=again(thread("cancel", "@last", "--reason", "enough"), unless=is_cancelled),
        state=is_cancelled,
        path=(False, True),
        ends_alike=False,  # the step may have come before the stop did
        gives_up=True,
    ),
    Scenario(
        "undo",
        failed,
        thread("undo", "@last"),
        ("undo: head moved", "undo: attempt dropped", "undo: done"),
        next=again(thread("undo", "@last"), unless=has_no_step),
        gives_up=True,
    ),
    Scenario(
        "import",
        exported,
        importing,
        ("import: written", "import: done"),
        next=again(importing),
    ),
    Scenario(
        "migrate",
        old_layout,
        lambda world: ["migrate", "history"],
        ("migrate: entry moved", "migrate: entry moved:20", "migrate: written", "migrate: done"),
        next=again(lambda world: ["migrate", "history"]),
    ),
    Scenario(
        "gc while a thread is stepped",
        littered,
        lambda world: ["store", "gc", "--grace", "0s"],
        ("gc: marked", "gc: object removed", "gc: object removed:30", "gc: written", "gc: done"),
        beside=stepping,
        next=again(lambda world: ["store", "gc", "--grace", "0s"]),
        state=litter,
        path=(GARBAGE, 0),
    ),
    Scenario(
        "backup while a thread is stepped",
        started,
        backing_up,
        ("backup: copied", "file: synced", "file: linked", "backup: done"),
        beside=stepping,
        next=again(backing_up, unless=lambda world: backup_state(world) == "whole"),
        state=backup_state,
        path=("absent", "whole"),
    ),
)


def scenario(name: str) -> Scenario:
    return next(each for each in SCENARIOS if each.name == name)
