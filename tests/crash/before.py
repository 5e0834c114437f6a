"""What there is before a command is killed, and what goes on beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache

from tests.crash import reading
from tests.crash.processes import Obstacle, Running, wait_until
from tests.crash.world import CONFIG, WORKFLOW, World
from tests.helpers.fake_forge import HEAD, REPO, FakeForge
from uwf import clock
from uwf.app import App
from uwf.engine.chain import wake
from uwf.engine.chain.tags import OLD_THREADS, THREADS
from uwf.engine.chain.thread import wake_by
from uwf.engine.chain.wake import TIMER, Wake
from uwf.engine.events import interrupting
from uwf.engine.events.event import Event
from uwf.engine.schedules import occurrence as occurrences
from uwf.guard import pause
from uwf.guard.capacity import joined, queue
from uwf.guard.capacity.queue import QueueEntry
from uwf.record import replace
from uwf.store.codec import Link
from uwf.store.owner import Owner

SAID_BEFORE = "the title is missing"
LIVELY = "stream brood"
SPOILING = "stream brood spoil"
ENTRIES = 40
GARBAGE = 60
GHOST = clock.ulid(1_700_000_000_000)
YEAR_MS = 366 * 86_400_000
SCHEDULE = """
[[schedules]]
name = "year"
cron = "0 0 1 1 *"
start = "crash"
prompt = "Write about crashes."
cwd = "/"
"""


def empty(world: World) -> None:
    """A home without a store."""


def started(world: World) -> None:
    """One thread, before its first step."""
    world.must("thread", "start", world.workflow, "-p", "Write about crashes.")


def told(world: World) -> None:
    """A thread before its first step, which was told something."""
    started(world)
    world.must("thread", "tell", "@last", SAID_BEFORE)


def triggered(world: World) -> None:
    """A thread, and triggers: on `look` the threads it names are told, on `fix` a new one begins."""
    triggers = (
        '[[triggers]]\non = "look"\ntext = "{{ data }}"\n'
        f'[[triggers]]\non = "fix"\nstart = "{world.workflow}"\ncwd = "{world.project}"\n'
    )
    (world.home / "config.toml").write_text(CONFIG + triggers)
    started(world)


def watched(world: World) -> None:
    """A thread that has completed since a trigger on that was first asked."""
    trigger = '[[triggers]]\non = "thread.completed"\nfind = { no = "body" }\n'
    (world.home / "config.toml").write_text(CONFIG + trigger)
    started(world)
    world.must("event", "send", "first", "--from", "ci")
    world.must("thread", "exec", "@last", "--until-done")


def crowded(world: World) -> None:
    """Two threads are due, one more than are many."""
    (world.home / "config.toml").write_text(f"{CONFIG}[queue]\nhigh_water = 1\nlow_water = 1\n")
    two_started(world)
    with world.store() as store:
        both = reading.threads(store)
    with world.writing() as tx:
        for id in both:
            wake_by(tx, id, Wake(1_700_000_000_000, TIMER, "a test"))


def asking(world: World) -> None:
    """A source that is a command, which says the same each time."""
    source = (
        '[[sources]]\nname = "ci"\nkind = "command"\ncommand = ["echo", \'{"name": "look"}\']\n'
    )
    (world.home / "config.toml").write_text(CONFIG + source)
    started(world)


def source_paused(world: World) -> None:
    """The same, and it is paused."""
    asking(world)
    world.must("source", "pause", "ci")


@cache
def forge() -> FakeForge:
    """A forge where 42 is merged by now, and a check of 43 has failed. It lives as long as this process."""
    found = FakeForge(daemon=True)
    for number in (42, 43):
        found.open_pull(number)
    found.review(42, "approved", "Good.")
    found.close_pull(42, merged=True)
    found.check(43, "tests", "failure", "it broke")
    return found


def told_of_a_review(world: World) -> None:
    _told_of(world, 42, "review", {"state": "approved"})


def told_of_a_check(world: World) -> None:
    id = forge().pulls[43]["checks"][0]["id"]
    about = {"check": "tests", "failed": True, "commit": HEAD, "id": id, "url": "x/job/1"}
    _told_of(world, 43, "check", about)


def _told_of(world: World, number: int, what: str, data: dict[str, object]) -> None:
    """A thread that an event of the forge is to wake, as if the forge had been asked a while ago."""
    (world.home / "config.toml").write_text(
        f'{CONFIG}[[sources]]\nname = "shop"\nkind = "github"\nrepo = "{REPO}"\nurl = "{forge().url}"\n'
        '[[triggers]]\non = "github.*"\nfind = { pr = "{{ data.number }}" }\ntext = "{{ name }}"\n'
    )
    started(world)
    world.must("thread", "set", "@last", "--label", f"pr={number}")
    world.must("source", "pause", "shop")
    with closing(App.open(str(world.home))) as app:
        app.events.send(
            Event("1", "shop", f"github.{what}", 1, "ann", "owner", {"number": number, **data})
        )


def remembering(world: World) -> None:
    """An event of long ago that was decided, and one that never was."""
    started(world)
    for key, state in (("decided", "told"), ("open", "new")):
        event = Event(key, "cli", "look", 1_700_000_000_000)
        value = {**event.to_value(), "decided": None}
        with world.writing() as tx:
            tx.add_entry("event", key, 1_700_000_000_000, state, value)


def to_interrupt(world: World) -> None:
    """An event has wished for a run to be interrupted, that ended by itself."""
    started(world)
    with world.writing() as tx:
        interrupting.wish(tx, "ended", 1_700_000_000_000)


def stepped_told(world: World) -> None:
    """A thread whose first step was told something."""
    told(world)
    world.must("thread", "exec", "@last")


def two_started(world: World) -> None:
    started(world)
    started(world)


def backed_up(world: World) -> None:
    """A backup of one thread, and a store that has another one since then."""
    started(world)
    world.must("store", "backup", str(world.home / "backup.db"))
    started(world)


def kept_backup(world: World) -> None:
    started(world)
    world.must("store", "backup")


def crashed_often(world: World) -> None:
    """A thread whose first step died four times: more often than it may fail."""
    started(world)
    for _ in range(4):
        crashed(world)


def tripped(world: World) -> None:
    """The breaker of the agent is open, and its pause is over: the next step is its probe."""
    (world.home / "config.toml").write_text(
        f'{CONFIG}[breaker]\nthreshold = 1\ncooldown = "50ms"\n'
    )
    started(world)
    world.must("thread", "exec", "@last", agent="fail", codes=(6,))
    started(world)


def paused(world: World) -> None:
    """The agent is paused by a limit that was read from what it said, and may be tried once."""
    started(world)
    with world.writing() as tx:
        pause.pause_agent(tx, "crew", until_ms=4_000_000_000_000, why="its limit", probe_ms=1)


def unlucky(world: World) -> None:
    """An agent that has failed once, of which every step is a probe, and three threads: the middle one failed."""
    stats = '[stats]\nmin_rate = 1.0\nmin_sample = 1\nprobe_every = "1ms"\n'
    (world.home / "config.toml").write_text(CONFIG + stats)
    two_started(world)
    world.must("thread", "exec", "@last", agent="fail", codes=(6,))
    started(world)


def drained(world: World) -> None:
    started(world)
    world.must("guard", "drain", "on")


def with_ref(world: World) -> None:
    started(world)
    world.must("ref", "set", "kept/one", "@last")


def with_json(world: World) -> None:
    started(world)
    (world.home / "config.json").write_text('{"text": "kept"}')


def haunted(world: World) -> None:
    """A process that is no more waits in the queue."""
    started(world)
    with world.writing() as tx:
        queue.put(tx, QueueEntry(GHOST, "crew", (), 0, False, 0.0, Owner(2**22 + 1, "long ago")))


def disordered(world: World) -> None:
    """Beside what `haunted` has, one that had joined a run, an entry that is none, a counter that is no code."""
    haunted(world)
    with world.writing() as tx:
        joined.put(tx, GHOST, Owner(2**22 + 1, "long ago"))
        tx.set_counter(f"queue/{'Z' * 26}", "no entry")
        tx.set_counter("breaker/crew/error", 1)
    with closing(sqlite3.connect(world.home / "store.db")) as connection:
        spoil = "UPDATE counter SET value = x'c1' WHERE name = 'breaker/crew/error'"
        connection.execute(spoil)
        connection.commit()


def woken(world: World) -> None:
    """A thread of which a run was killed that its timer had begun."""
    started(world)
    with world.writing() as tx:
        [ref] = tx.refs(THREADS)
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, wake.WOKEN_FOR: "timer: tea"}, why="test")


def due(world: World) -> None:
    """A thread before its first step, whose timer is due."""
    started(world)
    world.must("thread", "wake", "@last")


def due_without_its_agent(world: World) -> None:
    """A thread that is due, whose agent is left alone until a time far ahead."""
    due(world)
    with world.writing() as tx:
        pause.pause_agent(tx, "crew", until_ms=4_000_000_000_000, why="its limit")


def nearly_spent(world: World) -> None:
    """A thread in a home that may make one step more today."""
    (world.home / "config.toml").write_text(f"{CONFIG}[budget.day]\nsteps = 1\n")
    started(world)


def scheduled(world: World) -> None:
    """A schedule whose times are far ahead. Whatever is due is not run."""
    world.must("workflow", "add", world.workflow)
    world.must("guard", "drain", "on")
    with (world.home / "config.toml").open("a") as config:
        config.write(SCHEDULE)
    world.must("thread", "run", "--due")


def missed(world: World) -> None:
    """The same, of which nobody has looked at one time."""
    scheduled(world)
    with world.writing() as tx:
        state = occurrences.state_of(tx, "year")
        assert state is not None
        occurrences.save_state(tx, replace(state, looked_ms=state.looked_ms - YEAR_MS), 1)


def occurred(world: World) -> None:
    """The same, whose thread was cancelled by hand."""
    scheduled(world)
    world.must("schedule", "run", "year")
    world.must("thread", "cancel", "@last")


def long_over(world: World) -> None:
    """The same, and that is long ago."""
    occurred(world)
    world.must("thread", "run", "--due")
    with closing(sqlite3.connect(world.home / "store.db")) as connection:
        connection.execute("UPDATE entry SET at_ms = 1000 WHERE kind = 'occurrence'")
        connection.commit()


def forgotten(world: World) -> None:
    """A thread that has waited for a person for a long time."""
    suspended(world)
    with closing(sqlite3.connect(world.home / "store.db")) as connection:
        connection.execute("UPDATE ref SET updated_ms = 1000")
        connection.commit()


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


def kept(world: World) -> None:
    """A thread whose first reply could not be stored, which it can be now."""
    started(world)
    world.must("thread", "exec", "@last", agent=SPOILING, codes=(1,))
    _sound(world)


def _sound(world: World) -> None:
    with closing(sqlite3.connect(world.home / "store.db")) as connection:
        connection.execute("DELETE FROM counter WHERE name = 'zone'")
        connection.commit()


def limited(world: World) -> None:
    started(world)
    config = world.home / "config.toml"
    config.write_text(CONFIG.replace("max_steps = 20", "max_steps = 2"))


def labelled(world: World) -> None:
    """A thread of a repository, of which one may be under way."""
    config = world.home / "config.toml"
    config.write_text(f"{CONFIG}\n[limits.threads_per_label]\nrepo = 1\n")
    start = ("thread", "start", world.workflow, "-p", "Write about crashes.")
    world.must(*start, "--label", "repo=shop")


def reworked(world: World) -> None:
    """A thread with a failed attempt, and a workflow whose file has changed since."""
    failed(world)
    changed = WORKFLOW.replace("Review what was written", "Review again what was written")
    (world.folder / "changed.yaml").write_text(changed)


def exported(world: World) -> None:
    completed(world)
    world.must("thread", "export", "@last", "-o", str(world.folder / "thread.uwf"))
    for name in ("store.db", "store.db-mark"):
        (world.home / name).unlink()
    started(world)


def old_layout(world: World) -> None:
    """Completed threads under the old prefix, one of them under the new one too."""
    completed(world)
    with world.writing() as tx:
        [ref] = tx.refs(THREADS)
        thread, head = ref.name.removeprefix(THREADS), ref.id
        for number in range(ENTRIES):
            id = clock.ulid(clock.ulid_ms(thread) + 1 + number)
            reason = ("cancelled", "completed", "out of money")[number % 3]
            tags = {"reason": reason, "completedAt": "1700000000000"}
            tx.set_ref(OLD_THREADS + id, head, tags=tags, why="an older uwf")
        tx.set_ref(OLD_THREADS + thread, head, tags={"reason": "completed"}, why="an older uwf")


def littered(world: World) -> None:
    """Objects that nothing needs, some of them linked to each other, and a thread that is being stepped."""
    started(world)
    with world.writing() as tx:
        last: str | None = None
        for number in range(GARBAGE):
            text = f"garbage {number} " * (9000 if number % 20 == 0 else 10)
            last = tx.put("litter", {"text": text, "next": Link(last) if last else None})


def crashed(world: World) -> None:
    """An exec dies between two turns. What its agent has left behind lives on."""
    env = {"UWF_CRASH_AT": "turn: done:2"}
    ended = world.run("thread", "exec", "@last", agent=LIVELY, env=env)
    if not ended.was_killed or not world.alive():
        raise Obstacle(f"this should have died and left its agent's children behind: {ended}")


def stepping(world: World) -> Running:
    return world.start("thread", "exec", "@last", "--until-done", agent="stream")


def slow_step(world: World) -> Running:
    """The oldest thread is stepped, and has the one slot there is."""
    with world.store() as store:
        oldest = reading.threads(store)[0]
    runs = len(world.agent_runs())
    running = world.start("thread", "exec", oldest, agent="slow brood")
    wait_until(lambda: len(world.agent_runs()) > runs or not running.is_running(), "its agent runs")
    return running
