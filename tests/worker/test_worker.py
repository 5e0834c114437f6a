"""Workers as real processes: what is due anywhere is run where it may, and is finished whoever ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.helpers.program import Uwf
from tests.helpers.project import Project, is_alive, until
from tests.worker.conftest import DONE, Machine

Machines = Callable[[str], Machine]

SLOW = f"cat >/dev/null; echo $$ >>\"$0.pids\"; until [ -e \"$0.go\" ]; do sleep 0.05; done; printf '%s' '{DONE}'\n"
"""An agent that waits for a file beside it."""


SAYS_WHERE = (
    "cat >/dev/null; printf -- '---\\n$status: done\\n---\\nIt was on %s.\\n' \"$UWF_HOST\"\n"
)
RELAY = """\
version: 1
name: relay
roles:
  writer:
    description: Writes.
    frontmatter: &done
      type: object
      properties: {$status: {const: done}}
      required: [$status]
  checker:
    description: Checks.
    frontmatter: *done
graph:
  $START: {new: {role: writer, prompt: Write it.}}
  writer: {done: {role: checker, prompt: Check it.}}
  checker: {done: {role: $END}}
"""


def go(machine: Machine, agent: str = "slow") -> None:
    (machine.home.parent / "bin" / f"{agent}.go").touch()


def pids(machine: Machine, agent: str = "slow") -> list[int]:
    path = machine.home.parent / "bin" / f"{agent}.pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_what_is_due_on_one_machine_is_run_on_another(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    there.agents("painter")
    here.agents("painter")
    here.daemon()
    worker = there.worker("--slots", "2", "--label", "gpu")
    (row,) = here("worker", "list", "--json").json
    assert here("worker", "list", "-q").out == f"{row['worker']}\n"
    assert (row["host"], row["labels"], row["agents"], row["slots"], row["state"]) == (
        "there",
        ["gpu"],
        ["painter"],
        2,
        "working",
    )
    threads = [here.due() for _ in range(3)]
    for thread in threads:
        here.ends(thread)
    assert here.sql("SELECT count(*) FROM uwf_queue.procrastinate_jobs") == [(0,)]
    assert worker.end() == 0
    assert here("worker", "list", "--json").json == []


def test_a_worker_refuses_a_name_under_which_one_of_another_machine_beats(
    machine: Machines,
) -> None:
    here = machine("here")
    here.agents("painter")
    first = here.worker()
    here.sql("UPDATE uwf_queue.workers SET machine = 'another-boot.7'")
    second = here.start_and_see("worker", "run")
    second.says("called here, too: each needs a name of its own", "export UWF_HOST=here-2")
    assert second.process.wait(timeout=20) == 5
    (row,) = here("worker", "list", "--json").json
    assert row["pid"] == first.process.pid
    first.process.kill()
    third = here.start_and_see("worker", "run").says("waits until that is gone")
    here.sql(
        "UPDATE uwf_queue.procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
    )
    third.says("takes from")


def test_a_daemon_on_another_machine_is_one(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    thread = there.begin()
    assert "uwf daemon run" in there("thread", "wake", thread, "--in", "9h").err
    pid = here.daemon().process.pid
    for words in (("wake", thread, "--in", "8h"), ("start", "one.yaml", "-p", "Later.", "--wake")):
        assert there("thread", *words).err == ""
    assert f"no daemon runs here: process {pid} on here leads" in there("daemon", "stop").err
    leads = f"process {pid} on here leads, and goes by its own"
    assert leads in there("event", "send", "it.happened").err, "by whose triggers it was decided"
    assert leads not in here("event", "send", "it.happened").err


def test_a_daemon_of_an_older_uwf_lets_a_newer_one_lead(machine: Machines) -> None:
    here = machine("here")
    here("config", "set", "lease", "2s")
    daemon = here.daemon()
    here.sql("UPDATE uwf.meta SET value = '9' WHERE key = 'schema'")
    here.sql("UPDATE uwf.meta SET value = 'uwf 9.9' WHERE key = 'writer'")
    daemon.says("leads no more", "was written by uwf 9.9 with schema 9", "it is tried again")
    until(lambda: not here.sql("SELECT 1 FROM uwf.lease WHERE name = 'daemon'"))
    here.sql("UPDATE uwf.meta SET value = '1' WHERE key = 'schema'")
    until(lambda: here.sql("SELECT 1 FROM uwf.lease WHERE name = 'daemon'"), within_s=40)


def test_a_worker_of_an_older_uwf_drains_once_a_newer_one_has_migrated_the_store(
    machine: Machines,
) -> None:
    here = machine("here")
    here.agents("painter")
    here.daemon()
    worker = here.worker()
    here.ends(here.due())
    here.sql("UPDATE uwf.meta SET value = '9' WHERE key = 'schema'")
    here.sql("UPDATE uwf.meta SET value = 'uwf 9.9' WHERE key = 'writer'")
    worker.says("was written by uwf 9.9 with schema 9", "takes nothing any more")
    assert worker.process.wait(timeout=30) == 1, "a supervisor sees it"
    assert "hint: pip install --upgrade uwf" in worker.said
    assert here("worker", "list", "--json").json == []


def test_a_thread_with_a_place_is_run_there_alone(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("painter")
    here.daemon()
    here.worker()
    labelled, placed = here.due("--place", "label:gpu"), here.due("--place", "host:there")
    here.ends(here.due())
    assert here.show(placed)["status"] == here.show(labelled)["status"] == "idle"
    assert here.show(placed)["place"] == "host:there"
    aside = until(lambda: here("daemon", "status", "--json").json["quarantine"])
    assert {one["name"] for one in aside} == {"host:there", "label:gpu"}
    told = there("worker", "list")
    assert "1 thread due for host:there, which no worker takes" in told.err
    assert "1 thread due for label:gpu, which no worker takes" in told.err
    assert "hint: uwf worker list" in there("thread", "show", labelled).err
    there.worker("--label", "gpu")
    here.ends(placed)
    here.ends(labelled)


def test_told_to_end_it_waits_for_its_run_and_takes_nothing_more(machine: Machines) -> None:
    here = machine("here")
    here.agents("slow", script=SLOW)
    here.daemon()
    worker = here.worker("--slots", "2")
    thread = here.due()
    until(lambda: pids(here))
    worker.process.send_signal(signal.SIGTERM)
    worker.says("takes nothing any more, and waits for the step of 1 run")
    other = here.due()
    until(lambda: here("worker", "list", "--json").json[0]["running"] == [thread])
    go(here)
    assert worker.process.wait(timeout=30) == 0
    here.ends(thread)
    assert here.show(other)["status"] == "idle"


def test_a_drained_run_ends_with_its_step_and_another_worker_goes_on(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    here.agents("slow", script=SLOW)
    there.agents("slow")
    here.daemon()
    worker = here.worker()
    thread = here.due(workflow=RELAY)
    until(lambda: pids(here))
    there.worker()
    here("worker", "drain", "here")
    worker.says("waits for the step of 1 run")
    assert here.show(thread)["steps"] == 0
    go(here)
    assert worker.process.wait(timeout=30) == 0
    here.ends(thread)
    assert [step["role"] for step in here.steps(thread)] == ["writer", "checker"]
    assert len(pids(here)) == 1, "the second step was made on the other machine"


def test_each_step_is_made_where_its_agent_is(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    here.agents("pen", script=SAYS_WHERE)
    there.agents("eye", script=SAYS_WHERE)
    asks = RELAY.replace("description: Writes.", "agent: pen").replace(
        "description: Checks.", "agent: eye"
    )
    here.daemon()
    here.worker()
    there.worker()
    thread = here.due(workflow=asks)
    here.ends(thread)
    bodies = [here("step", "read", step["step"]).out for step in here.steps(thread)]
    assert ["on here" in bodies[0], "on there" in bodies[1]] == [True, True], bodies


def test_what_one_machine_lacks_suspends_no_thread_and_another_one_runs_it(
    machine: Machines,
) -> None:
    here, there = machine("here"), machine("there")
    here.agents("pen", "brush")
    there.agents("brush")
    asks = RELAY.replace("description: Writes.", "agent: pen")
    here.daemon()
    worker = there.worker("--label", "gpu")
    thread = here.due("--place", "label:gpu", workflow=asks)
    until(lambda: worker.said.count("ended (5)") == 2, within_s=40)
    shown = here.show(thread)
    assert (shown["status"], shown["steps"]) == ("idle", 0)
    assert "configured by that name, on there" in shown["wakeWhy"]
    here.worker("--label", "gpu")
    here("thread", "wake", thread)
    here.ends(thread)


def test_no_step_is_made_by_an_agent_that_the_worker_does_not_run(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("hand", "other", script=SAYS_WHERE)
    here.daemon()
    worker = there.worker("--agents", "other", "--label", "gpu")
    thread = here.due("--place", "label:gpu")
    worker.says("ended (5)")
    here.worker("--label", "gpu")
    here("thread", "wake", thread)
    here.ends(thread)
    assert "on here" in here("step", "read", here.steps(thread)[0]["step"]).out
    assert "agent hand, which this worker does not run" in str(here("thread", "log", thread).out)


def test_told_again_it_ends_its_run_and_another_worker_goes_on_at_once(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    here.agents("slow", script=SLOW)
    there.agents("slow")
    here.daemon()
    worker = here.worker()
    thread = here.due()
    (pid,) = until(lambda: pids(here))
    there.worker()
    worker.process.send_signal(signal.SIGTERM)
    worker.says("the step of 1 run")
    assert worker.end() == 0
    here.ends(thread)
    assert not is_alive(pid)


def test_workers_are_asked_to_drain_and_to_stop_from_any_machine(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("slow", script=SLOW)
    here.daemon()
    worker, idle = there.worker(), here.worker("--agents", "slow", "--slots", "1")
    thread = here.due("--place", "host:there")
    (pid,) = until(lambda: pids(there))
    assert here("worker", "drain", "here").out.startswith("drains: worker")
    assert idle.process.wait(timeout=30) == 0
    assert here("worker", "stop", "there", "--json").json["workers"]
    assert worker.process.wait(timeout=30) == 0
    assert not is_alive(pid)
    shown = here.show(thread)
    assert (shown["status"], shown["running"]) == ("idle", None)
    assert here("worker", "drain", "7", expect=4).err


def test_what_a_killed_worker_has_left_is_finished_by_another(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    here.agents("slow", script=SLOW)
    there.agents("slow")
    there.daemon()
    worker = here.worker()
    thread = here.due()
    (agent,) = until(lambda: pids(here))
    run = here.show(thread)["running"]["pid"]
    for pid in (worker.process.pid, run, agent):
        os.kill(pid, signal.SIGKILL)
    worker.process.wait()
    there.worker()
    there.sql("UPDATE uwf.lease SET expires = now() WHERE name <> 'daemon'")
    there.sql(
        "UPDATE uwf_queue.procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
        " WHERE id IN (SELECT id FROM uwf_queue.workers WHERE host = 'here')"
    )
    there.ends(thread)


def test_a_run_that_froze_is_ended_by_its_worker_once_it_is_taken_back(machine: Machines) -> None:
    here = machine("here")
    here.agents("slow", script=SLOW)
    here.daemon()
    worker = here.worker()
    thread = here.due()
    (agent,) = until(lambda: pids(here))
    os.kill(here.show(thread)["running"]["pid"], signal.SIGSTOP)
    here.sql(
        "SET search_path TO uwf_queue;"
        " UPDATE procrastinate_jobs SET abort_requested = true WHERE status = 'doing'"
    )
    worker.says(f"{thread} is held by nobody: its run is ended")
    until(lambda: not is_alive(agent), within_s=20)
    go(here)
    here.ends(thread)


def test_a_run_that_froze_elsewhere_is_not_said_to_be_stopped(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    there.agents("slow", script=SLOW)
    there("config", "set", "lease", "7s")
    thread = there.begin()
    run = there.start_and_see("thread", "exec", thread)
    (agent,) = until(lambda: pids(there))
    os.kill(run.process.pid, signal.SIGSTOP)
    try:
        said = here("thread", "stop", thread).err
    finally:
        for pid in (run.process.pid, agent):
            os.kill(pid, signal.SIGKILL)
    assert "on there was not heard of: it does not have the thread any more" in said
    assert "stopped process" not in said


def test_where_the_one_that_leads_sees_a_run_to_be_dead_no_lease_is_waited_for(
    machine: Machines,
) -> None:
    here, there = machine("here"), machine("there")
    here.agents("slow", script=SLOW)
    there.agents("slow")
    here.daemon()
    worker = here.worker()
    thread = here.due()
    (agent,) = until(lambda: pids(here))
    for pid in (worker.process.pid, here.show(thread)["running"]["pid"]):
        os.kill(pid, signal.SIGKILL)
    worker.process.wait()
    there.worker()
    there.sql(
        "UPDATE uwf_queue.procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
        " WHERE id IN (SELECT id FROM uwf_queue.workers WHERE host = 'here')"
    )
    there.ends(thread)
    assert not is_alive(agent)


def test_it_comes_back_by_itself_when_postgresql_does(machine: Machines) -> None:
    here = machine("here")
    here.agents("painter")
    here.daemon()
    worker = here.worker()
    name = here.sql("SELECT current_database()")[0][0]
    admin = here.database.replace(f"/{name}?", "/postgres?")
    other = Machine(here.home.parent, "admin", admin)
    other.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    other.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    worker.says("it is tried again")
    other.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    worker.says("the queue can be asked again")
    assert worker.said.count("it is tried again") == 1
    here.ends(here.due())


def test_a_worker_that_was_forgotten_begins_anew_when_it_takes_the_next_job(
    machine: Machines,
) -> None:
    """As after an hour in which its machine slept: nothing says so before it looks for a job."""
    here = machine("here")
    here.agents("painter")
    here.daemon()
    worker = here.worker()
    here.sql(
        "SET search_path TO uwf_queue; CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM uwf_queue.procrastinate_workers; RETURN NEW; END';"
        " CREATE TRIGGER forget BEFORE INSERT ON procrastinate_jobs EXECUTE FUNCTION forget()"
    )
    here.ends(here.due())
    assert "the queue did not know it: it is worker 2 now" in worker.said


def test_workers_and_daemons_go_on_with_a_database_that_was_made_anew(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("painter")
    daemon, standby = here.daemon(), there.daemon(leads=False)
    workers = [here.worker(), there.worker()]
    here.ends(here.due())
    name = here.sql("SELECT current_database()")[0][0]
    admin = here.database.replace(f"/{name}?", "/postgres?")
    other = Machine(here.home.parent, "admin", admin)
    other.sql(f"DROP DATABASE {name} WITH (FORCE)")
    other.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    for each in workers:
        each.says("the database has no queue for workers", "it is tried again")
    daemon.says("there is no store in", "it is tried again")
    here("store", "migrate")
    for place in ("host:here", "host:there"):
        here.ends(here.due("--place", place))
    assert {row["host"] for row in here("worker", "list", "--json").json} == {"here", "there"}
    assert all(each.process.poll() is None for each in (daemon, standby, *workers))
    assert here("daemon", "status", "--json").json["leader"]["host"] in ("here", "there")


def test_a_queue_that_was_emptied_loses_nothing(machine: Machines) -> None:
    here = machine("here")
    here.agents("painter")
    daemon = here.daemon()
    threads = [here.due() for _ in range(3)]
    until(lambda: here.sql("SELECT count(*) FROM uwf_queue.procrastinate_jobs") == [(3,)])
    here.sql("TRUNCATE uwf_queue.procrastinate_jobs, uwf_queue.procrastinate_workers CASCADE")
    here.worker()
    for thread in threads:
        here.ends(thread)
    assert daemon.process.poll() is None


def test_a_store_that_is_a_file_needs_no_worker_and_says_so(uwf: Uwf) -> None:
    project = Project(uwf.home, uwf.cwd)
    for words in (("run",), ("list",), ("drain",), ("stop",)):
        done = project("worker", *words, expect=5)
        assert "PostgreSQL" in done.err and "hint: uwf daemon run" in done.err


def test_an_agent_or_a_label_that_cannot_be_is_refused(machine: Machines, tmp_path: Path) -> None:
    here = machine("here")
    here.agents("painter")
    assert (
        "no agent is called 'nobody'" in here("worker", "run", "--agents", "nobody", expect=2).err
    )
    odd = {"UWF_HOST": 'my "box"'}
    assert "no machine can be called" in here("worker", "run", expect=2, env=odd).err
    assert "is no label" in here("worker", "run", "--label", "a b", expect=2).err


def test_orphans_of_a_killed_run_are_ended_by_their_worker_at_once(machine: Machines) -> None:
    here = machine("here")
    here.agents("slow", script=SLOW)
    here.daemon()
    here.worker("--slots", "1")
    thread = here.due("--place", "host:here")
    (agent,) = until(lambda: pids(here))
    os.kill(here.show(thread)["running"]["pid"], signal.SIGKILL)
    until(lambda: not is_alive(agent), within_s=30)
    go(here)
    here.ends(thread)


def test_a_new_worker_ends_what_an_earlier_one_has_left_here(machine: Machines) -> None:
    here = machine("here")
    here.agents("slow", script=SLOW)
    here.daemon()
    worker = here.worker()
    thread = here.due()
    (agent,) = until(lambda: pids(here))
    for pid in (worker.process.pid, here.show(thread)["running"]["pid"]):
        os.kill(pid, signal.SIGKILL)
    worker.process.wait()
    again = here.worker()
    again.says("died here: its jobs are free")
    until(lambda: not is_alive(agent), within_s=30)
    go(here)
    here.ends(thread)


def test_how_long_a_lease_lasts_is_what_the_home_says(machine: Machines) -> None:
    here = machine("here")
    here.agents("slow", script=SLOW)
    here("config", "set", "lease", "7s")
    here.daemon()
    here.worker()
    here.due()
    until(lambda: pids(here))
    left = "extract(epoch FROM max(expires) - clock_timestamp())"
    (row,) = here.sql(f"SELECT {left} FROM uwf.lease")
    assert 0 < row[0] <= 7
    go(here)


def test_a_daemon_begins_also_where_postgresql_is_not_there_yet(
    machine: Machines, tmp_path: Path
) -> None:
    here = machine("here")
    here.environ["UWF_STORE"] = f"postgresql://me:s3cret@/x?host={tmp_path}"
    daemon = here.start_and_see("daemon", "run").says("it is tried again")
    assert daemon.end() == 0
    assert "s3cret" not in daemon.said


def test_an_address_that_is_not_right_ends_both_at_once(machine: Machines) -> None:
    here = machine("here")
    here.agents("painter")
    wrong = {"UWF_STORE": "postgresql://127.0.0.1:1/x?sslmode=requir"}
    for command in ("worker", "daemon"):
        assert here(command, "run", "--json", expect=1, env=wrong).error["code"] == "bad_address"


def test_a_worker_begins_also_where_postgresql_is_not_there_yet(
    machine: Machines, tmp_path: Path
) -> None:
    here = machine("here")
    here.agents("painter")
    here.environ["UWF_STORE"] = f"postgresql://me:s3cret@/x?host={tmp_path}"
    worker = here.start_and_see("worker", "run").says("it is tried again")
    assert worker.end() == 0
    assert "s3cret" not in worker.said


def test_a_place_is_heeded_while_a_thread_waits_and_while_it_runs(machine: Machines) -> None:
    here, there = machine("here"), machine("there")
    for each in (here, there):
        each.agents("slow", script=SLOW)
    here.daemon()
    here.worker("--slots", "1")
    runs = here.due(workflow=RELAY)
    until(lambda: pids(here))
    waits = here.due()
    until(lambda: here.sql("SELECT count(*) FROM uwf_queue.procrastinate_jobs") == [(2,)])
    for thread in (runs, waits):
        here("thread", "set", thread, "--place", "host:there")
    go(there)
    there.worker()
    there.ends(waits)
    go(here)
    there.ends(runs)
    assert [len(pids(here)), len(pids(there))] == [1, 2], "one step here, where it was begun"


def test_a_job_that_came_to_the_wrong_place_runs_nothing(machine: Machines) -> None:
    here = machine("here")
    here.agents("hand")
    worker = here.worker("--label", "gpu")
    thread = here.due("--place", "host:there")
    here.sql(
        "SET search_path TO uwf_queue;"
        " INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)"
        f" VALUES ('any', 'uwf.run', '{thread}', '{thread}')"
    )
    worker.says(f"{thread} ended (0)")
    shown = here.show(thread)
    assert (shown["status"], shown["steps"], "host" in shown) == ("idle", 0, False)
