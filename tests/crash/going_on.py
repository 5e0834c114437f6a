"""The commands that are killed, and how a person goes on after one of them was."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from typing import Any

from tests.crash import reading
from tests.crash.processes import Ended, Obstacle, wait_until
from tests.crash.world import World
from uwf.engine.chain import wake
from uwf.engine.chain.tags import THREADS
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.sources import state as sources
from uwf.engine.upkeep.backups import last_drill
from uwf.guard import breaker
from uwf.guard.breaker import CLOSED
from uwf.store.sqlite import open_store
from uwf.store.whole.check import verify

SAID = "and mind the second paragraph"
MOST_COMMANDS = 12


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


def restoring(world: World) -> list[str]:
    return ["store", "restore", str(world.home / "backup.db")]


def kept_backups(world: World) -> int:
    """How many kept backups there are; each is found sound."""
    files = sorted((world.home / "backups").glob("store-*.db"))
    for file in files:
        with closing(open_store(str(file), create=False)) as store:
            if verify(store, deep=True).problems:
                raise Obstacle(f"{file} is not sound")
    return len(files)


def drills(world: World) -> int:
    """How many drills are on record that went well."""
    with world.store() as store:
        drill = last_drill(store)
    return int(drill is not None and drill.problem is None)


def present(world: World) -> Any:
    if not world.has_store:
        return ()
    with world.store() as store:
        return reading.state(store)


def reading_told(world: World) -> Any:
    """What waits to be told."""
    with world.store() as store:
        return tuple(reading.waiting_words(store))


def event(name: str, *words: str) -> Callable[[World], list[str]]:
    """An event that is sent, always with the same id."""
    return lambda world: ["event", "send", name, "--id", "once", *words]


def events_of(world: World) -> Any:
    """Each event and its state, what waits to be told, how many threads there are, and how many have a timer."""
    with world.store() as store:
        known = sorted((entry.value["name"], entry.state) for entry in store.entries("event"))
        refs = [ref for ref in store.refs(THREADS) if "wakeAt" in ref.tags]
        words = tuple(reading.waiting_words(store))
        return tuple(known), words, len(reading.threads(store)), len(refs)


def source_is_paused(world: World) -> bool:
    with world.store() as store:
        return sources.paused_ms(store, "ci") is not None


def past(world: World) -> list[Any]:
    if not world.has_store:
        return [()]
    with world.store() as store:
        return reading.history(store)


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


def mend_and_step_on(world: World) -> Ended | None:
    """The counter that kept a reply from being stored is removed, which leaves what was kept to be taken in."""
    world.must("doctor", "--repair")
    return step_on(world) if not reading.step_rows(world) else None


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


def done_by_its_timer(world: World) -> None:
    """No command is typed: whoever runs what is due has brought the thread to its end."""
    status = standing(world, "@last")
    if status != "completed":
        raise Obstacle(f"its timer is lost: the thread is {status}")


def served(world: World) -> Ended:
    """What a killed daemon has begun goes on; another one does the rest."""
    running = world.start("daemon", "run")
    wait_until(lambda: standing(world, "@last") == "completed", "the daemon has run it")
    running.send(signal.SIGTERM)
    ended = running.end()
    # A run that outlives its daemon has completed the thread a moment before it ends itself.
    wait_until(lambda: not world.alive(), "the run of the killed daemon has ended")
    return ended


def again(
    command: Callable[[World], list[str]],
    *,
    unless: Callable[[World], Any] = lambda world: False,
    codes: tuple[int, ...] = (0,),
    agent: str = "",
) -> Callable[[World], Ended | None]:
    """The killed command once more, unless it has taken effect."""

    def command_again(world: World) -> Ended | None:
        return None if unless(world) else world.must(*command(world), codes=codes, agent=agent)

    return command_again


def is_run(world: World) -> bool:
    """Whether a process runs a thread: one that a killed pass had begun ends with its step."""
    return any(" thread exec " in line for line in world.alive().values())


def once_at_rest(
    command: Callable[[World], list[str]],
) -> Callable[[World], Ended | None]:
    """The killed command once more, as soon as nobody runs a thread."""

    def command_later(world: World) -> Ended | None:
        wait_until(lambda: not is_run(world), "the run of the killed command has ended")
        return again(command)(world)

    return command_later


def timer(world: World) -> tuple[str, ...]:
    """What the newest thread is to wake for, and what it was woken for."""
    with world.store() as store:
        tags = store.refs(THREADS, newest_first=True, limit=1)[0].tags
    return tuple(tags[key] for key in (wake.WAKE_WHY, wake.WOKEN_FOR) if key in tags)


def occurrences_of(world: World) -> tuple[str, ...]:
    """What has become of the occurrences of schedules, by their times."""
    with world.store() as store:
        return tuple(one.how or one.state for one in occurrences.find(store))


def is_paused(world: World) -> bool:
    """Whether a schedule is paused."""
    with world.store() as store:
        return any(state.is_paused for state in occurrences.states(store).values())


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


def refs_of(prefix: str) -> Callable[[World], tuple[str, ...]]:
    """The names of refs that begin so, without it."""

    def look(world: World) -> tuple[str, ...]:
        with world.store() as store:
            return tuple(name.removeprefix(prefix) for name in store.names(prefix))

    return look


def counters_of(prefix: str) -> Callable[[World], tuple[str, ...]]:
    """The names of counters that begin so, without it."""

    def look(world: World) -> tuple[str, ...]:
        with world.store() as store:
            return tuple(name.removeprefix(prefix) for name, _ in store.counters(prefix))

    return look


def is_tripped(world: World) -> bool:
    with world.store() as store:
        return any(circuit.state != CLOSED for circuit in breaker.all_of(store))


def disorder(world: World) -> int:
    """How many counters the doctor has not put right yet."""
    with world.store() as store:
        left = (*store.counters("queue/"), *store.counters("joined/"))
        return len(store.unreadable()) + len(left)


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


def unpaused(world: World) -> Ended:
    """The pause is ended by hand: the probe of this hour may have been taken."""
    world.must("guard", "pause", "crew", "off")
    return step_on(world)
