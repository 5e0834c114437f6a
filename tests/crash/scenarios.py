"""The table of what is killed. Points are named as in `uwf.points`; `POINT:2` is its second time.

Every point belongs to a scenario, which a test proves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.crash.before import (
    GARBAGE,
    GHOST,
    LIVELY,
    SAID_BEFORE,
    SPOILING,
    backed_up,
    completed,
    crashed,
    crashed_often,
    crowded,
    disordered,
    drained,
    due,
    due_without_its_agent,
    empty,
    exported,
    failed,
    forgotten,
    haunted,
    kept,
    kept_backup,
    labelled,
    limited,
    littered,
    old_layout,
    paused,
    remembering,
    reworked,
    slow_step,
    started,
    stepped_told,
    stepping,
    suspended,
    told,
    triggered,
    tripped,
    two_started,
    unlucky,
    with_json,
    with_ref,
    without_its_agent,
    woken,
)
from tests.crash.going_on import (
    SAID,
    again,
    backing_up,
    backup_state,
    counters_of,
    disorder,
    drills,
    event,
    events_of,
    exec_unless_rebound,
    go_on,
    has_no_step,
    has_threads,
    importing,
    is_cancelled,
    is_tripped,
    kept_backups,
    litter,
    mend_and_step_on,
    present,
    reading_told,
    rebinding,
    refs_of,
    restoring,
    resume_unless_resumed,
    served,
    start,
    step_on,
    thread,
    thread_count,
    timer,
    unpaused,
    was_poked,
)
from tests.crash.processes import Ended, Running
from tests.crash.world import World
from uwf import points


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


def transaction(name: str) -> tuple[str, ...]:
    """The points that a transaction of the store has by its name."""
    return tuple(f"{name}: {moment}" for moment in points.MOMENTS)


def change(
    command: Callable[[World], list[str]],
    *transactions: str,
    points: tuple[str, ...] = (),
    prepare: Callable[[World], None] = started,
    state: Callable[[World], Any],
    to: Any,
    before: Any = (),
    between: tuple[Any, ...] = (),
    **more: Any,
) -> Scenario:
    """A command whose whole effect is some `transactions`, which bring `before` to `to` by way of `between`."""
    return Scenario(
        (transactions or points)[0],
        prepare,
        command,
        (*points, *(point for name in transactions for point in transaction(name))),
        state=state,
        path=(before, *between, to),
        next=again(command, unless=lambda world: state(world) == to),
        finish=lambda world: None,
        gives_up=True,
        **more,
    )


PAUSED = "agent crew is paused: its limit; try again at 2096-10-02T07:06:40Z"


def refused(
    command: Callable[[World], list[str]],
    name: str,
    *,
    prepare: Callable[[World], None],
    before: tuple[str, ...] = (),
    to: tuple[str, ...],
) -> Scenario:
    """A run that is refused until a time, and the transaction `name` that sets the timer of its thread."""
    return Scenario(
        name,
        prepare,
        command,
        transaction(name),
        state=timer,
        path=(before, to),
        next=again(command, unless=lambda world: timer(world) == to, codes=(75,)),
        finish=lambda world: None,
        codes=(75,),
    )


def happening(
    name: str,
    prepare: Callable[[World], None],
    command: Callable[[World], list[str]],
    points: tuple[str, ...],
    *path: Any,
) -> Scenario:
    """A command that is about events, which come from the first of `path` to the last; it may be given again."""
    return Scenario(
        name,
        prepare,
        command,
        points,
        state=events_of,
        path=path,
        next=again(command),
        finish=lambda world: None,
        whole=False,
        gives_up=True,
    )


SCENARIOS = (
    Scenario(
        "start, the first in its home",
        empty,
        start,
        ("store: filled", "file: synced", "file: linked"),
        next=again(start, unless=has_threads(1)),
    ),
    Scenario(
        "start",
        started,
        start,
        transaction("start"),
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
            "attempt: begun",
            "attempt: written",
            "attempt: done",
            "agent: let go",
            "turn: begun",
            "turn: written",
            "turn: done",
            "turn: written:3",
            "turn: done:3",
            "agent: told to end",
            "agent: ended",
            "step: begun",
            "step: objects written",
            "step: head moved",
            "step: words taken",
            "step: written",
            "step: done",
            "step: told",
        ),
        agent=LIVELY,
    ),
    Scenario(
        "exec, told",
        told,
        thread("exec", "@last"),
        ("step: decided", "attempt: done", "step: head moved", "step: words taken", "step: done"),
        agent=LIVELY,
        said_before=SAID_BEFORE,
    ),
    Scenario(
        "exec, told, the agent fails",
        told,
        thread("exec", "@last"),
        ("attempt: done", *transaction("failure")),
        agent="fail brood",
        codes=(6,),
        said_before=SAID_BEFORE,
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
        ("reply: refused", "agent: at the gate:2", "attempt: done:2", "agent: let go:2"),
        agent="bad brood",
    ),
    Scenario(
        "exec, the agent fails",
        started,
        thread("exec", "@last", "--supplement", SAID),
        (*transaction("failure"), "failure: objects written"),
        agent="fail brood",
        codes=(6,),
        says=SAID,
    ),
    Scenario(
        "exec, the reply cannot be stored",
        started,
        thread("exec", "@last"),
        ("agent: ended", "step: begun", "kept: synced"),
        agent=SPOILING,
        codes=(1,),
        next=mend_and_step_on,
    ),
    Scenario(
        "exec, a kept reply is taken in",
        kept,
        thread("exec", "@last"),
        ("run: locked", *transaction("step"), "kept: taken in", "run: settled"),
    ),
    Scenario(
        "exec, stopped by SIGTERM",
        started,
        thread("exec", "@last"),
        ("agent: told to end", *transaction("aside")),
        agent="slow brood",
        interrupt=True,
        codes=(143,),
    ),
    Scenario(
        "exec, tried again",
        started,
        thread("exec", "@last"),
        (*transaction("aside"), "guards: passed:2"),
        agent="flaky brood",
    ),
    Scenario(
        "exec, a breaker's probe",
        tripped,
        thread("exec", "@last"),
        (
            *transaction("probe"),
            *transaction("probe back"),
            "guards: passed",
            "attempt: done",
            "step: done",
        ),
        agent="brood",
    ),
    Scenario(
        "exec, a paused agent is probed",
        paused,
        thread("exec", "@last"),
        (*transaction("pause probe"), "guards: passed", "attempt: done"),
        agent="brood",
        next=unpaused,
    ),
    Scenario(
        "exec, a probe that another guard refuses",
        unlucky,
        thread("exec", "@last"),
        (*transaction("rate probe"), *transaction("rate probe back"), *transaction("refusal")),
        beside=slow_step,
        state=thread_count,
        path=(3, 3),
        codes=(75,),
    ),
    Scenario(
        "exec --wait, in line",
        two_started,
        thread("exec", "@last", "--wait", "30"),
        (
            *transaction("queue join"),
            *transaction("queue leave"),
            "guards: passed",
            "attempt: done",
        ),
        agent=LIVELY,
        beside=slow_step,
        whole=False,
    ),
    Scenario(
        "exec, of a label",
        labelled,
        thread("exec", "@last"),
        (*transaction("place"), "guards: passed", "attempt: done", "step: done"),
        agent="brood",
    ),
    Scenario(
        "exec, of a label, that fails",
        labelled,
        thread("exec", "@last"),
        transaction("place back"),
        agent="fail",
        codes=(6,),
        ends_alike=False,
    ),
    Scenario(
        "exec --wait, joining a run",
        started,
        thread("exec", "@last", "--wait", "30"),
        (*transaction("run join"), *transaction("run leave")),
        beside=slow_step,
        whole=False,
    ),
    Scenario(
        "exec after crashes",
        crashed_often,
        thread("exec", "@last"),
        ("agent: told to end", "settle: processes ended", *transaction("settle"), "run: settled"),
        agent=LIVELY,
        upset=crashed,
    ),
    Scenario(
        "exec --until-done to the limit",
        limited,
        thread("exec", "@last", "--until-done"),
        transaction("move"),
        whole=False,
        codes=(3,),
    ),
    Scenario(
        "exec --workflow",
        reworked,
        rebinding,
        (
            *transaction("workflow"),
            "rebind: head moved",
            "attempt: objects written",
            "attempt: done",
            "step: head moved",
        ),
        whole=False,
        next=exec_unless_rebound,
        says=SAID,
        said_before=SAID_BEFORE,
    ),
    Scenario(
        "resume, suspended",
        suspended,
        thread("resume", "@last", "--supplement", SAID),
        ("attempt: objects written", "attempt: done", "turn: done:2", "step: head moved"),
        agent=LIVELY,
        says=SAID,
        said_before=SAID_BEFORE,
    ),
    Scenario(
        "resume, completed",
        completed,
        thread("resume", "@last", "--supplement", SAID),
        ("attempt: thread reopened", "attempt: done", "turn: done", "step: head moved"),
        agent=LIVELY,
        whole=False,
        next=resume_unless_resumed,
        says=SAID,
    ),
    Scenario(
        "poke",
        completed,
        thread("poke", "@last", "-p", SAID),
        ("attempt: done", "step: head moved", "step: done"),
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
        (*transaction("fork"), "fork: thread made", "fork: told as well", "fork: plan held"),
        next=again(thread("fork", "@last", "-p", SAID), unless=has_threads(2)),
        says=SAID,
    ),
    Scenario(
        "set",
        failed,
        thread("set", "@last", "--title", "a name", "--label", "pr=42"),
        transaction("mark"),
        next=again(thread("set", "@last", "--title", "a name", "--label", "pr=42")),
    ),
    Scenario(
        "cancel",
        failed,
        thread("cancel", "@last", "--reason", "enough"),
        transaction("cancel"),
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
        (*transaction("undo"), "undo: head moved", "undo: told again"),
        next=again(thread("undo", "@last"), unless=has_no_step),
        gives_up=True,
    ),
    Scenario(
        "import",
        exported,
        importing,
        transaction("import"),
        next=again(importing),
    ),
    Scenario(
        "migrate",
        old_layout,
        lambda world: ["migrate", "history"],
        (*transaction("migrate"), "migrate: entry moved", "migrate: entry moved:20"),
        next=again(lambda world: ["migrate", "history"]),
    ),
    Scenario(
        "gc while a thread is stepped",
        littered,
        lambda world: ["store", "gc", "--grace", "0s"],
        (*transaction("gc"), "gc: marked", "gc: object removed", "gc: object removed:30"),
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
    change(
        lambda world: ["store", "backup"],
        prepare=started,
        points=("backup: copied", "backup: verified", "file: synced", "backup: done"),
        state=kept_backups,
        before=0,
        to=1,
    ),
    change(
        lambda world: ["store", "drill"],
        "backup drill",
        prepare=kept_backup,
        points=("restore: checked", "restore: done", "drill: restored", "step: done"),
        state=drills,
        before=0,
        to=1,
    ),
    Scenario(
        "restore",
        backed_up,
        restoring,
        tuple(f"restore: {moment}" for moment in ("checked", "kept", "cleared", "swapped", "done")),
        next=again(restoring, unless=has_threads(1)),
        state=thread_count,
        path=(2, 1),
        gives_up=True,
    ),
    change(
        thread("tell", "@last", SAID),
        "tell",
        prepare=told,
        state=reading_told,
        before=(SAID_BEFORE,),
        to=(SAID_BEFORE, SAID),
    ),
    happening(
        "event send, a person's",
        triggered,
        event("look", "--thread", "@last", "--data", f'"{SAID}"'),
        (*transaction("event sent"), "event: told", "event: woken"),
        ((), (), 1, 0),
        ((("look", "told"),), (SAID,), 1, 1),
    ),
    happening(
        "event send, a program's",
        triggered,
        event("look", "--thread", "@last", "--data", f'"{SAID}"', "--from", "ci"),
        (*transaction("event"), *transaction("event decide"), "event: told", "event: woken"),
        ((), (), 1, 0),
        ((("look", "new"),), (), 1, 0),
        ((("look", "told"),), (SAID,), 1, 1),
    ),
    happening(
        "event send, that begins a thread",
        triggered,
        event("fix", "--data", f'"{SAID}"', "--from", "ci"),
        ("event: done", "event decide: begun", "event: thread made", "event decide: done"),
        ((), (), 1, 0),
        ((("fix", "new"),), (), 1, 0),
        ((("fix", "told"),), (), 2, 1),
    ),
    happening(
        "event send, for nobody",
        crowded,
        event("look", "--from", "ci"),
        (*transaction("event crowded"), *transaction("event ignored")),
        ((), (), 2, 2),
        ((("look", "new"),), (), 2, 2),
        ((("look", "new"), ("queue.high", "new")), (), 2, 2),
        ((("look", "ignored"), ("queue.high", "ignored")), (), 2, 2),
    ),
    happening(
        "gc, of events",
        remembering,
        lambda world: ["store", "gc"],
        transaction("event prune"),
        ((("look", "new"), ("look", "told")), (), 1, 0),
        ((("look", "new"),), (), 1, 0),
    ),
    Scenario(
        "undo, told",
        stepped_told,
        thread("undo", "@last"),
        ("undo: head moved", "undo: told again", "undo: written", "undo: done"),
        next=again(thread("undo", "@last"), unless=has_no_step),
        said_before=SAID_BEFORE,
        gives_up=True,
    ),
    change(
        thread("wake", "@last", "--at", "1900000000000"),
        "wake",
        state=timer,
        to=("person: by hand",),
    ),
    change(
        thread("stop", "@last"),
        "stopped",
        prepare=woken,
        state=timer,
        before=("timer: tea",),
        to=(),
    ),
    change(
        lambda world: ["thread", "run", "--due"],
        "reminded",
        prepare=forgotten,
        state=counters_of("reminded"),
        to=("",),
    ),
    Scenario(
        "daemon run, a thread is due",
        due,
        lambda world: ["daemon", "run"],
        ("dispatch: decided", "dispatch: begun", "reap: seen"),
        agent=LIVELY,
        interrupt=True,
        next=served,
        whole=False,
    ),
    refused(
        thread("exec", "@last"),
        "wake later",
        prepare=without_its_agent,
        to=(f"recovery: {PAUSED}",),
    ),
    refused(
        thread("exec", "@last", "--due"),
        "put off",
        prepare=due_without_its_agent,
        before=("person: by hand",),
        to=(f"person: by hand; put off: {PAUSED}",),
    ),
    change(
        lambda world: ["workflow", "add", world.workflow],
        "workflow add",
        state=refs_of("@uwf/registry/"),
        to=("crash",),
    ),
    change(
        lambda world: ["cas", "put", "--kind", "litter", str(world.home / "config.json")],
        "put",
        prepare=with_json,
        state=litter,
        before=0,
        to=1,
    ),
    change(
        lambda world: ["ref", "set", "kept/one", "@last"],
        "ref set",
        state=refs_of("kept/"),
        to=("one",),
    ),
    change(
        lambda world: ["ref", "delete", "kept/one"],
        "ref delete",
        prepare=with_ref,
        state=refs_of("kept/"),
        before=("one",),
        to=(),
    ),
    change(
        lambda world: ["guard", "drain", "on"],
        "switch on",
        state=counters_of("switch/"),
        to=("drain",),
    ),
    change(
        lambda world: ["guard", "drain", "off"],
        "switch off",
        prepare=drained,
        state=counters_of("switch/"),
        before=("drain",),
        to=(),
    ),
    change(
        lambda world: ["guard", "reset", "crew"],
        "breaker reset",
        prepare=tripped,
        state=is_tripped,
        before=True,
        to=False,
    ),
    change(
        lambda world: ["queue", "drop", f"queue/{GHOST}"],
        "queue drop",
        prepare=haunted,
        state=counters_of("queue/"),
        before=(GHOST,),
        to=(),
    ),
    change(
        lambda world: ["doctor", "--repair"],
        "doctor counters",
        "doctor waiter",
        "doctor entry",
        "doctor note",
        "health verify",
        "health clock",
        prepare=disordered,
        state=disorder,
        before=4,
        between=(3, 2, 1),
        to=0,
        whole=False,
        codes=(0, 1),
    ),
)


def scenario(name: str) -> Scenario:
    return next(each for each in SCENARIOS if each.name == name)
