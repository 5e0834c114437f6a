"""What must hold once all is over. Each check adds what it finds to `found`: the kind of it (see `KINDS`), and words.

chain       `store verify --deep` finds nothing wrong, and every ref is what its log says
twice       each step stands once in a chain, and is the work of one attempt that has ended
zombie      once another run has written a thread, none before it writes it again
event       each event is taken once: it stands in one step, however often it was sent
word        what a person said stands in one step
end         every thread comes to its end
alive       no agent lives for long after its run has lost the thread
hidden      what came too late is in `thread show`
connection  nobody is connected to the database afterwards
fault       no command, worker or daemon ends as none may
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from contextlib import closing
from typing import Any

from tests.crash.cluster.machines import Machines
from tests.crash.cluster.work import People, Word
from uwf.engine.chain.story import steps_back
from uwf.engine.chain.tags import THREADS
from uwf.engine.query.steps import steps
from uwf.store.postgres import open_store
from uwf.store.protocols import Store
from uwf.store.values import Move

KINDS = (
    *("chain", "twice", "zombie", "event", "word", "end", "alive", "hidden", "connection", "fault"),
)
LET_GO_S = 5.0
"""How long the server takes to see that a process is gone."""
KEPT = re.compile(r"is kept as attempt ([0-9a-f]{12})")
KILLED = (0, -9)

Found = list[tuple[str, str]]


def check_store(machines: Machines, people: People, found: Found) -> None:
    """All that the store itself tells."""
    done = machines.desk.run("store", "verify", "--deep")
    if done.code or done.json["problems"]:
        found.append(("chain", f"store verify exits {done.code}: {done.out} {done.err}"))
    said = {"agents": machines.lines("agents"), "processes": machines.lines("processes")}
    with closing(open_store(machines.cluster.url(machines.database))) as store:
        moves = store.moves_since(0)
        check_log(store, moves, found)
        runs = {(line["host"], line["pid"]) for line in said["processes"] if line["role"] == "run"}
        check_runs(moves, runs, found)
        told = check_chains(store, moves, said["agents"], found)
    check_words(people.words, told, found)
    check_events(machines, people.words, found)


def check_log(store: Store, moves: list[Move], found: Found) -> None:
    """Every move goes on where the one before it has ended, and the last is where the ref is."""
    at: dict[str, str | None] = {}
    for move in moves:
        if move.old != at.get(move.name):
            found.append(("chain", f"the log of {move.name} has a gap at {move.version}"))
        at[move.name] = move.new
    refs = {ref.name: ref.id for ref in store.refs()}
    if refs != {name: id for name, id in at.items() if id is not None}:
        found.append(("chain", "the refs are not what their log says"))


def check_runs(moves: list[Move], runs: set[tuple[str, int]], found: Found) -> None:
    """The moves of a thread by runs: one run after the other, never one, another, and the first again."""
    wrote: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for move in moves:
        match = re.fullmatch(r"pid (\d+) on (\S+)", move.process)
        run = (match[2], int(match[1])) if match else ("", 0)
        if move.name.startswith(THREADS) and run in runs and wrote[move.name][-1:] != [run]:
            if run in wrote[move.name]:
                found.append(("zombie", f"{run} writes {move.name} again after another one"))
            wrote[move.name].append(run)


def check_chains(
    store: Store, moves: list[Move], agents: list[dict[str, Any]], found: Found
) -> Counter[tuple[str, str]]:
    """The chain of each thread; how often which text was told to it."""
    ended = {line["mark"]: line for line in agents if line["what"] == "end"}
    heads: dict[str, set[str]] = defaultdict(set)
    for move in moves:
        if move.name.startswith(THREADS) and move.new is not None:
            heads[move.name].add(move.new)
    told, published = Counter[tuple[str, str]](), Counter[str]()
    for ref in store.refs(THREADS):
        thread = ref.name.removeprefix(THREADS)
        chain = list(steps_back(store, ref.id))[::-1]
        if [step.index for step in chain] != list(range(1, len(chain) + 1)):
            found.append(("twice", f"{thread} has the steps {[step.index for step in chain]}"))
        lost = {id for id in heads[ref.name] if store.get(id).kind == "step"}
        lost -= {step.id for step in chain}
        if lost:
            found.append(("twice", f"{thread} has published {lost}, which are not in its chain"))
        for step in chain:
            mark = str(step.output.get("mark", "")).removeprefix("m")
            published[mark] += 1
            by = ended.get(mark)
            if by is None or (by["thread"], by["index"]) != (thread, step.index):
                found.append(("twice", f"step {step.index} of {thread} is of no attempt: {mark}"))
            page = steps.page(store, step.id)
            for text in re.findall(r"<word-\d+>", " ".join(word.text for word in page.told)):
                told[thread, text] += 1
    found += [
        ("twice", f"{mark} was published {n} times") for mark, n in published.items() if n > 1
    ]
    return told


def check_words(words: list[Word], told: Counter[tuple[str, str]], found: Found) -> None:
    """What uwf said it has was told once; what it did not say so of, once at most; and to nobody else."""
    for word in words:
        times = told[word.thread, word.text]
        if times > 1 or (word.is_sure and times != 1):
            found.append(("event" if word.is_event else "word", f"{word} was told {times} times"))
    known = {(word.thread, word.text) for word in words}
    found += [("word", f"{each} was told to another") for each in told if each not in known]


def check_events(machines: Machines, words: list[Word], found: Found) -> None:
    done = machines.desk.run("event", "list", "--limit", "10000")
    rows = Counter(row["event"] for row in done.json)
    for number, word in enumerate(words):
        times = rows[f"event-{number}"]
        if word.is_event and (times > 1 or (word.is_sure and times != 1)):
            found.append(("event", f"event-{number} stands {times} times in event list"))


def check_shown(machines: Machines, found: Found) -> int:
    """What runs said they keep, since they came too late, is shown; how many there were."""
    kept = [
        (error["message"], match[1])
        for box in (*machines.boxes, machines.desk)
        for _, error in box.said()
        if error["code"] == "superseded" and (match := KEPT.search(error["message"]))
    ]
    shown: dict[str, str] = {}
    for message, attempt in kept:
        named = re.search(r"thread ([0-9A-Z]{26})", message)
        thread = named[1] if named else ""
        if thread not in shown:
            answer = machines.desk.run("thread", "show", thread)
            if answer.code or "superseded" not in answer.json:
                found.append(("hidden", f"thread show {thread}: {answer}"))
            shown[thread] = answer.out
        if attempt not in shown[thread]:
            found.append(("hidden", f"attempt {attempt} is not in thread show {thread}"))
    return len(kept)


def check_ends(machines: Machines, people: People, found: Found) -> None:
    for thread in people.active():
        if thread != "?":
            shown = machines.desk.run("thread", "show", thread)
            found.append(("end", f"{thread} is not at its end: {shown.out.strip()} {shown.err}"))


def check_faults(machines: Machines, found: Found) -> None:
    """Nothing has ended by itself but as told, and nothing has said that it is at a fault."""
    for each in (*machines.workers, *machines.daemons):
        where = f"said.{each.words[0]}"
        said = [error for name, error in each.machine.said() if name == where]
        away = [error for error in said if error["code"].startswith("store")]  # as it began
        odd = [code for code in each.ended if code not in KILLED]
        if len(odd) > len(away) or set(odd) - {1}:
            found.append(("fault", f"{where} at {each.machine.host} ended with {odd}: {said}"))
    for box in (*machines.boxes, machines.desk):
        for name, error in box.said():
            if error["code"] == "internal":
                found.append(("fault", f"{name} at {box.host}: {error['message']}"))
        for said in box.home.glob("said.*"):
            if "Traceback" in said.read_text(errors="replace"):
                found.append(("fault", f"a traceback in {said.name} of {box.host}"))


def check_connections(machines: Machines, found: Found) -> None:
    """After all have ended nobody is connected any more."""
    asked = (
        "SELECT application_name, state, query FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    deadline_s = time.monotonic() + LET_GO_S
    while (rows := machines.sql(asked)) and time.monotonic() < deadline_s:
        time.sleep(0.2)
    found += [("connection", f"{row}") for row in rows]
    left = machines.alive()
    found += [("alive", f"process {pid} is there afterwards: {line}") for pid, line in left.items()]
