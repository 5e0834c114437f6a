"""`thread read --html` and `report`: threads as pages, and what they have cost."""

from __future__ import annotations

import os
import re
import sqlite3

from tests.helpers.project import APPROVED, REVIEW, WRITTEN, Project


def reviewed(project: Project) -> str:
    """A thread that is done."""
    agent = project.agent(WRITTEN, APPROVED)
    id = project.begin(REVIEW, "--budget", "steps=40")
    project("thread", "exec", id, "--until-done", "--agent", agent.command)
    return id


def test_a_thread_is_written_as_a_page(project: Project) -> None:
    id = reviewed(project)
    done = project("thread", "read", id, "--html", "page.html", "--json")
    page = (project.cwd / "page.html").read_text()
    assert done.json == {"thread": id, "file": "page.html", "bytes": len(page.encode())}
    assert page.startswith("<!DOCTYPE html>") and "Once upon a time." in page
    [spent] = re.findall("<dt>spent</dt><dd>([^<]*)</dd>", page)
    shown = project("thread", "show", id).out.splitlines()
    assert "2 of 40 steps" in spent and f"spent {spent}" in map(" ".join, map(str.split, shown))
    assert project("thread", "read", id, "--html", "page.html").out.startswith("page.html  ")
    assert os.listdir(project.cwd).count("page.html") == 1
    printed = project("thread", "read", id, "--html", "-").out
    assert printed.startswith("<!DOCTYPE html>") and printed.endswith("</html>\n")
    as_json = project("thread", "read", id, "--html", "-", "--json").json
    assert as_json["thread"] == id and "Once upon a time." in as_json["html"]


def test_a_page_that_cannot_be_written_says_why(project: Project) -> None:
    id = reviewed(project)
    (project.cwd / "folder").mkdir()
    (project.cwd / "file").touch()
    for file, why in (
        *(("folder", "is a folder"), ("no/page.html", "there is no folder")),
        *(("", "names no file"), ("new/", "names no file"), ("file/x", "there is no folder")),
    ):
        done = project("thread", "read", id, "--html", file, "--json", expect=2)
        assert why in done.error["message"]
        assert done.error["hint"] == f"uwf thread read {id} --html ./page.html"
    done = project("thread", "read", id, "--html", "page.html", "--quota", "100", expect=2)
    assert f"hint: uwf thread read {id} --html page.html" in done.err
    assert not (project.cwd / "page.html").exists()


def test_a_report_sums_up_all_threads_or_those_that_are_asked_for(project: Project) -> None:
    one, two = reviewed(project), project.begin(REVIEW)
    found = project("report", "--json").json
    assert found["threads"] == [two, one]
    assert [(row["name"], row["threads"], row["steps"]) for row in found["byState"]] == [
        ("completed", 1, 2),
        ("idle", 1, 0),
    ]
    assert {row["name"] for row in found["byRole"]} == {"writer", "reviewer"}
    lines = project("report", "--where", "status=completed").out.splitlines()
    assert lines[0].split() == "BY NAME THREADS STEPS FAILED TIME TOKENS COST".split()
    assert lines[-1].split()[:5] == ["all", "total", "1", "2", "0"]
    assert project("report", two, "-q").out.split() == [two]
    done = project("report", "--where", "status=completed", "--html", "report.html", "--json")
    assert done.json["threads"] == [one]
    page = (project.cwd / "report.html").read_text()
    assert f'href="#{one}"' in page and f'id="{one}"' in page and two not in page


def test_a_report_leaves_out_a_thread_whose_chain_is_damaged_and_says_so(project: Project) -> None:
    one, two = reviewed(project), reviewed(project)
    [step, _] = project("step", "list", one, "--json").json
    with sqlite3.connect(project.home / "store.db") as database:
        database.execute("DELETE FROM object WHERE id = ?", [bytes.fromhex(step["step"])])
    database.close()
    for words in (("report",), ("report", "--html", "report.html")):
        done = project(*words, "--json")
        assert done.json["threads"] == [two]
        assert "1 thread cannot be read and counted: uwf doctor says more" in done.err
    assert one not in (project.cwd / "report.html").read_text()


def test_a_report_of_nothing_says_so(project: Project) -> None:
    done = project("report")
    assert done.out == "" and "no thread is as asked for" in done.err
    project("report", "x123", "--where", "status=idle", expect=2)
    project("report", "--where", "colour=red", expect=2)
