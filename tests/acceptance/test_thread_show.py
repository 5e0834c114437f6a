"""Where threads stand: `thread show`, `list`, and how a thread may be named."""

from __future__ import annotations

import time

import pytest

from tests.helpers.project import APPROVED, ASKS, ONE, REVIEW, WRITTEN, Project, reply
from tests.helpers.terminal import Terminal

ROW = {
    *("thread", "workflow", "head", "status", "currentRole", "suspendedRole", "suspendMessage"),
    *("done", "round", "usage", "error", "prompt", "cwd", "labels", "priority", "steps", "rounds"),
    *("startedAt", "updatedAt", "completedAt", "running"),
}


@pytest.fixture
def four(project: Project) -> dict[str, str]:
    """A thread of every status, by its status; the oldest first."""
    agent = project.agent(ASKS, reply())
    threads = {"idle": project.begin(REVIEW, "--label", "team=red", task="the idle one")}
    threads["suspended"] = project.begin(ONE, "--label", "team=red", "--label", "size=s")
    project.step(threads["suspended"], agent, expect=3)
    threads["completed"] = project.begin(ONE, "--label", "size=s")
    project.step(threads["completed"], agent)
    threads["cancelled"] = project.begin(ONE)
    project("thread", "cancel", threads["cancelled"])
    return threads


def listed(project: Project, *more: str) -> list[str]:
    rows = project("thread", "list", "--json", *more).json
    assert all(set(row) >= ROW for row in rows)
    return [row["thread"] for row in rows]


def test_show_has_every_field_of_the_contract(project: Project, four: dict[str, str]) -> None:
    for status, thread in four.items():
        shown = project.show(thread)
        assert set(shown) >= ROW
        assert shown["status"] == status
        assert shown["done"] == (status == "completed")
        assert (shown["completedAt"] is not None) == (status in ("completed", "cancelled"))
        assert (shown["suspendMessage"] == "Which colour?") == (status == "suspended")


def test_list_shows_the_active_ones_newest_first(project: Project, four: dict[str, str]) -> None:
    idle, suspended, completed, cancelled = four.values()
    assert listed(project) == listed(project, "--active") == [suspended, idle]
    assert listed(project, "--history") == [cancelled, completed]
    assert listed(project, "--all") == [cancelled, completed, suspended, idle]


def test_list_can_be_narrowed(project: Project, four: dict[str, str]) -> None:
    idle, suspended, completed, cancelled = four.values()
    workflow = project.show(idle)["workflow"]
    for more, expected in (
        (["--status", "completed"], [completed]),
        (["--status", "completed,idle"], [completed, idle]),
        (["--status", "running"], []),
        (["--workflow", "review"], [idle]),
        (["--workflow", workflow], [idle]),
        (["--workflow", "nothing"], []),
        (["--label", "team=red"], [suspended, idle]),
        (["--label", "team=red", "--label", "size=s"], [suspended]),
        (["--label", "size=s", "--all"], [completed, suspended]),
        (["--all", "--limit", "2"], [cancelled, completed]),
        (["--all", "--limit", "2", "--offset", "1"], [completed, suspended]),
        (["--all", "--offset", "9"], []),
        (["--all", "--limit", "0"], [cancelled, completed, suspended, idle]),
        (["--all", "--since", "1h"], [cancelled, completed, suspended, idle]),
        (["--all", "--until", "1h"], []),
        (["--since", "2020-01-31", "--until", "2020-01-31T09:15:00Z"], []),
    ):
        assert listed(project, *more) == expected, more


def test_since_and_until_cut_between_two_threads(project: Project) -> None:
    first = project.begin()
    time.sleep(0.005)
    cut = str(int(time.time() * 1000))
    time.sleep(0.005)
    second = project.begin()
    assert listed(project, "--since", cut) == [second]
    assert listed(project, "--until", cut) == [first]


def test_list_for_a_reader_is_a_table_and_quiet_is_ids(
    project: Project, four: dict[str, str]
) -> None:
    idle, suspended, *_ = four.values()
    head, *rows = project("thread", "list").out.splitlines()
    assert head.split() == "THREAD STATUS WORKFLOW STEP NEXT UPDATED ABOUT".split()
    assert [row.split()[:5] for row in rows] == [
        [suspended, "suspended", "one", "1", "worker"],
        [idle, "idle", "review", "0", "writer"],
    ]
    assert project("thread", "list", "-q").out == f"{suspended}\n{idle}\n"


def test_a_long_list_says_how_to_see_the_rest(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    starts = [project.start("thread", "start", file, "-p", "x") for _ in range(22)]
    assert [process.wait(20) for process in starts] == [0] * 22
    for process in starts:
        process.communicate()
    told = project("thread", "list")
    assert len(told.out.splitlines()) == 21
    assert told.err == "20 of 22 threads; --limit 0 shows all\n"
    assert len(project("thread", "list", "--limit", "0").out.splitlines()) == 23
    assert len(listed(project)) == 22


def test_a_list_gives_no_number_that_is_not_its_own(project: Project) -> None:
    workflow = project.show(project.begin())["workflow"]
    project.begin()
    project.begin(REVIEW)
    of_one = ("thread", "list", "--workflow", workflow)
    assert project(*of_one, "--limit", "2").err == ""
    assert project(*of_one, "--limit", "1").err == "there are more; --limit 0 shows all\n"
    assert len(project(*of_one, "--limit", "1", "-q").out.split()) == 1
    for status in ("running", "corrupt"):
        assert "more" not in project("thread", "list", "--status", status, "--limit", "1").err
    assert project("thread", "list", "--limit", "1").err == "1 of 3 threads; --limit 0 shows all\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--status", "done"], "there is no status 'done'"),
        (["--status", ""], "names no status"),
        (["--all", "--history"], "exclude each other"),
        (["--label", "red"], "KEY=VALUE"),
        (["--since", "soon"], "is no time"),
        (["--limit", "-1"], "less than 0"),
    ],
)
def test_a_bad_filter_is_exit_2(project: Project, more: list[str], said: str) -> None:
    assert said in project("thread", "list", *more, "--json", expect=2).error["message"]


def test_an_empty_home_has_no_threads_and_stays_empty(project: Project) -> None:
    assert project("thread", "list", "--json").json == []
    for more in ((), ("--all",), ("--workflow", "one")):
        told = project("thread", "list", *more)
        assert told.out == ""
        assert told.err == (
            "there is no thread yet\nhint: uwf thread start WORKFLOW -p 'what to do'\n"
        )
    assert project("thread", "show", "@last", "--json", expect=4).error["code"] == "no_such_thread"
    assert not project.home.exists()


def test_an_empty_list_says_that_what_there_is_has_ended(project: Project) -> None:
    project.step(project.begin(), project.agent(reply()))
    told = project("thread", "list")
    assert told.err == "no active thread; 1 has ended\nhint: uwf thread list --all\n"
    project("thread", "cancel", project.begin())
    assert "no active thread; 2 have ended\n" in project("thread", "list").err
    told = project("thread", "list", "--status", "suspended")
    assert told.err == "no thread is as asked for\nhint: uwf thread list --all\n"


def test_a_thread_is_named_by_its_id_an_end_of_it_or_last(
    project: Project, four: dict[str, str]
) -> None:
    thread = four["idle"]
    for word in (thread, thread.lower(), thread[-4:], thread[-10:], thread[:-1]):
        assert project("thread", "show", word, "-q").out == f"{thread}\n", word
    assert project("thread", "show", "@last", "-q").out == f"{four['cancelled']}\n"


@pytest.mark.parametrize(
    ("word", "expect", "code"),
    [
        ("01", 2, "too_short"),
        ("ZZZZ", 4, "no_such_thread"),
        ("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", 4, "no_such_thread"),
        ("nonsense!", 4, "no_such_thread"),
        ("../../x", 4, "no_such_thread"),
        ("", 4, "no_such_thread"),
        ("a" * 500, 4, "no_such_thread"),
    ],
)
def test_a_word_that_names_no_thread(project: Project, word: str, expect: int, code: str) -> None:
    project.begin()
    for verb in ("show", "exec", "log"):
        assert project("thread", verb, word, "--json", expect=expect).error["code"] == code


def test_a_beginning_that_fits_more_offers_ends_that_can_be_typed(
    project: Project, four: dict[str, str]
) -> None:
    done = project("thread", "show", four["idle"][:4], "--json", expect=2)
    assert done.error["code"] == "ambiguous"
    ends = done.error["message"].partition("one of ")[2].split(", ")
    meant = [project("thread", "show", end, "-q").out.strip() for end in ends]
    assert sorted(meant) == sorted(four.values())


def test_show_as_text_has_one_line_for_each_field(project: Project) -> None:
    thread = project.begin(REVIEW, "--label", "a=b", task="First line\nsecond line")
    project.step(thread, project.agent(WRITTEN, APPROVED), "--until-done")
    told = project("thread", "show", thread).out
    fields = dict(line.split(maxsplit=1) for line in told.splitlines())
    assert fields["thread"] == thread
    assert fields["status"] == "completed"
    assert fields["steps"] == "2 in 1 round"
    assert fields["task"] == "First line second line"
    assert fields["labels"] == "a=b"


def test_a_thread_whose_head_is_no_step_is_shown_as_corrupt(project: Project) -> None:
    thread, sound = project.begin(), project.begin()
    project.file("note", "text")
    note = project("cas", "put", "note", "-q").out.strip()
    project("ref", "set", f"@uwf/thread/{thread}", note, "--tag", "status=idle")
    shown = project.show(thread)
    assert shown["error"] is not None
    assert {row["thread"] for row in project("thread", "list", "--json").json} == {thread, sound}
    done = project("thread", "exec", thread, "--agent", "true", "--json", expect=None)
    assert done.code in (1, 2, 5) and done.error["hint"]


def test_show_is_a_page_of_how_a_thread_came_where_it_stands(project: Project) -> None:
    thread = project.begin(REVIEW, "--budget", "tokens=100,usd=5")
    paid = reply("rejected", why="too short", usage={"tokens": 62, "usd": 0.309})
    project.step(thread, project.agent(WRITTEN, "no front matter", paid), "-c", "2")
    project.step(thread, project.agent(reply("written", title="x")))
    failing = project.program("failing", "exit 3")
    project.step(thread, failing, expect=6)
    project("thread", "tell", thread, "Mind the gate.")
    fork = project("thread", "fork", f"{thread}~1", "-q").out.strip()
    told = project("thread", "show", thread)
    fields = dict(line.split(maxsplit=1) for line in told.out.splitlines())
    way = "writer → written → reviewer → rejected → writer → written → reviewer"
    assert fields["path"] == way
    assert fields["attempts"] == "without a step: 1 exit_code"
    assert fields["spent"].startswith("$0.31 of $5.00 (not known of 4 attempts), 62 of 100 tokens ")
    assert "Mind the gate." in fields["told"] and fields["failed"].startswith("exit_code, ")
    assert "head" not in fields and "(" not in fields["workflow"]
    more = project("thread", "show", thread, "-v").out.splitlines()
    assert ["head", project.show(thread)["head"]] in [line.split() for line in more]
    more = project("thread", "show", fork).out.splitlines()
    assert ["forked", "from", thread] in [line.split() for line in more]
    way_on = f"uwf thread exec {fork} --agent {failing}"
    assert project("thread", "show", fork).err == f"hint: {way_on}\n"
    terminal = Terminal(project, "thread", "show", thread)
    assert terminal.end() == 0
    lines = [" ".join(line.split()) for line in terminal.screen]
    assert "status ✗ suspended" in lines and "\x1b[38;5;160m✗ suspended\x1b[0m" in terminal.written
    bar = "\u2588" * 12 + "\u2591" * 8
    assert any(line.startswith(f"spent {bar} $0.31 of $5.00 (not known") for line in lines)


def test_a_long_path_is_folded_and_says_its_rounds(project: Project) -> None:
    thread = project.begin(ONE)
    agent = project.agent(reply())
    project.step(thread, agent)
    for _ in range(12):
        project.step(thread, agent, verb="resume")
    path = project("thread", "show", thread).out.partition("path ")[2].splitlines()[0].strip()
    assert path.startswith("… 1 step → worker → done; round 3: worker → done; ")
    assert path.endswith("; round 13: worker → done → $END")
