"""What became of the crowd: every thread accounted for, nothing left over, and the table of it."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any, NamedTuple

from crowd.home import Home, processes_with
from crowd.runs import SIGKILLED, Crowd, End
from uwf.engine.chain.tags import AGENT
from uwf.engine.chain.wake import WAKE_AT

DONE, FAULT, SUSPENDED, WRONG_STATE, AGENT_FAILED, NOT_NOW = 0, 1, 3, 5, 6, 75


class Fate(NamedTuple):
    """What became of a thread: completed, suspended, refused or lost; and the reason, or what is wrong."""

    kind: str
    why: str


def fate(home: Home, row: dict[str, Any] | None, end: End) -> Fate:
    """How the thread stands (`row` of `thread list`) against what its last command said."""
    if row is None:
        return Fate("lost", "it is not listed")
    status, message = row["status"], row["suspendMessage"]
    if row["running"] is not None:
        return Fate("lost", "something still runs it")
    if end.code == DONE and status == "completed":
        return Fate("completed", "")
    if end.code in (SUSPENDED, AGENT_FAILED) and status == "suspended" and message:
        return Fate("suspended", end.error.get("code", "asked"))
    if end.code in (FAULT, WRONG_STATE, NOT_NOW) and end.error.get("reason"):
        ref = home.ref(end.thread)
        head = end.heads[-1] if end.heads else end.before.id
        # Its first attempt notes its agent; one that is refused a further step, when it is to wake.
        noted = sum(ref.tags.get(tag) != end.before.tags.get(tag) for tag in (AGENT, WAKE_AT))
        moved = ref.version - end.before.version - len(end.heads) - noted
        if ref.id == head and not moved and status == "idle":
            return Fate("refused", end.error["reason"])
        return Fate("lost", f"refused, and yet at {ref.id[:12]} instead of {head[:12]}, {status}")
    said = end.error.get("message", "")
    return Fate("lost", f"exit {end.code} and {status} ({message}): {said}")


def is_broken(end: End) -> bool:
    """Whether it was refused because a guard could not be asked."""
    return end.error.get("reason") == "guard_error"


class Report(NamedTuple):
    """The lines to print, and what was violated."""

    lines: list[str]
    violations: list[str]


def report(home: Home, crowd: Crowd, seen: dict[str, Any], limit: int) -> Report:
    """Look at what is left. Nothing runs any more, unless something hangs."""
    survivors = processes_with(home.token)
    listed = home.uwf("thread", "list", "--all", "--limit", str(len(home.threads)))
    rows = {row["thread"]: row for row in listed}
    fates = {end.thread: fate(home, rows.get(end.thread), end) for end in crowd.last_ends()}
    fates |= {thread: Fate("lost", "its command hangs") for thread in crowd.hanging}
    status = home.uwf("guard", "status")
    stale_slots = sum(pool["taken"] for pool in status["slots"])
    left_behind = [finding for finding in home.uwf("doctor") if not finding["isNote"]]
    queued = home.uwf("queue", "list")
    diary_most = most_at_once([(begin, end) for _, _, begin, end in home.lives() if end])
    locked = home.locked()
    lost = {thread: fate.why for thread, fate in fates.items() if fate.kind == "lost"}

    violations = [f"thread {thread} is lost: {why}" for thread, why in lost.items()]
    violations += [f"process {pid} is left over: {words}" for pid, words in survivors.items()]
    violations += [f"thread {thread} is still locked" for thread in locked]
    violations += [f"left behind: {finding}" for finding in left_behind]
    violations += [
        f"refused thread {end.thread}: {end.error['message']}"
        for end in crowd.ends
        if is_broken(end)
    ]
    for what, number, most in (
        ("agents alive at once", seen["most_agents"], limit),
        ("agents alive at once by their diaries", diary_most, limit),
        ("threads without an account", len(home.threads) - len(fates), 0),
        ("slots still taken", stale_slots, 0),
        ("threads still in the queue", len(queued), 0),
        ("uwf killed", 0 if sum(crowd.kills.values()) else 1, 0),
    ):
        if number > most:
            violations.append(f"{what}: {number}, at most {most}")

    gaps = sorted(seen["gaps_ms"])
    kinds = {kind: _reasons(fates, kind) for kind in ("completed", "suspended", "refused", "lost")}
    killed = ", ".join(f"{count} {moment}" for moment, count in crowd.kills.items())
    lines = [
        _row(
            "agents alive at once",
            f"at most {seen['most_agents']} of {limit}, in {len(gaps)} looks {statistics.median(gaps):.0f} ms"
            f" apart (99 % within {_quantile(gaps, 0.99):.0f} ms)",
        ),
        _row("  by their own diaries", f"at most {diary_most} of {len(home.lives())} lives"),
        _row(
            "uwf processes",
            f"{len(crowd.ends)} begun, {sum(crowd.kills.values())} killed ({killed})",
        ),
        *(
            _row(f"threads {kind}", f"{sum(why.values())}{_in_words(why)}")
            for kind, why in kinds.items()
        ),
        _row("survivors", str(len(survivors))),
        _row(
            "stale locks",
            f"{stale_slots} of {limit} slots, {len(locked)} of {len(home.threads)} threads; "
            f"{len(left_behind)} things for the doctor",
        ),
        _row(
            "memory of all uwf",
            f"at most {seen['peak_bytes'] / 1e6:.0f} MB in {seen['most_uwf']} processes, one at most "
            f"{seen['largest_bytes'] / 1e6:.0f} MB",
        ),
        *_waiting(home, crowd),
    ]
    return Report(lines, violations)


def most_at_once(lives: list[tuple[int, int]]) -> int:
    """How many of these spans overlap at most; one that begins when another ends does not overlap it."""
    changes = sorted([(begin, 1) for begin, _ in lives] + [(end, -1) for _, end in lives])
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def overtaken(order: list[int]) -> list[int]:
    """For each position in the queue, in the order of arrival, how many later ones went before it."""
    return [sum(later < mine for later in order[at + 1 :]) for at, mine in enumerate(order)]


def _waiting(home: Home, crowd: Crowd) -> list[str]:
    """How long threads waited for their first agent, and whether they got it in the order in which they came."""
    first: dict[str, int] = {}
    for thread, _, begin, _ in home.lives():
        first.setdefault(thread, begin)
    waits = sorted((at - crowd.began_ns[thread]) / 1e9 for thread, at in first.items())
    killed = {end.thread for end in crowd.ends if end.code == SIGKILLED}
    came = sorted(
        (arrived, first[thread])
        for thread, arrived in crowd.arrived_s.items()
        if thread in first and thread not in killed
    )
    passed = sorted(overtaken([at for _, at in came])) or [0]
    return [
        _row(
            "waiting for the first agent",
            f"p50 {_quantile(waits, 0.5):.1f} s, p99 {_quantile(waits, 0.99):.1f} s",
        ),
        _row(
            "fairness",
            f"of {len(came)} in the queue, half were overtaken by {_quantile(passed, 0.5)} or fewer, 99 % by "
            f"{_quantile(passed, 0.99)} or fewer, all by {passed[-1]} or fewer",
        ),
    ]


def _reasons(fates: dict[str, Fate], kind: str) -> Counter[str]:
    return Counter(fate.why for fate in fates.values() if fate.kind == kind)


def _in_words(why: Counter[str]) -> str:
    named = ", ".join(f"{count} {reason}" for reason, count in why.most_common() if reason)
    return f"  ({named})" if named else ""


def _quantile(numbers: list[Any], share: float) -> Any:
    """Of sorted `numbers`, the one that `share` of them do not exceed; 0 of none."""
    return numbers[min(len(numbers) - 1, int(share * len(numbers)))] if numbers else 0


def _row(name: str, text: str) -> str:
    return f"  {name:28} {text}"
