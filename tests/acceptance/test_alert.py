"""`uwf alert`: whether a message reaches a person."""

from __future__ import annotations

from tests.helpers.project import Project, is_alive, until


def test_nobody_is_told_until_the_config_says_how(project: Project) -> None:
    done = project("alert", "test")
    assert done.out == "nobody is told of alerts\n"
    assert "uwf config set alerts.command" in done.err


def test_a_command_in_the_folder_of_the_home_gets_the_text_and_what_it_is_about(
    project: Project,
) -> None:
    script = 'cat >text\nprintf "%s %s" "$UWF_ALERT_LEVEL" "$UWF_ALERT_SUBJECT" >about\n'
    project("config", "set", "alerts.command", project.program("tell", script))
    assert project("alert", "test", "--json").json == {"sent": True}
    assert "This is a test." in (project.home / "text").read_text()
    assert (project.home / "about").read_text() == "P0 uwf: a test"


def test_one_that_fails_says_why(project: Project) -> None:
    project("config", "set", "alerts.command", project.program("tell", "echo no route >&2; exit 3"))
    done = project("alert", "test", expect=5)
    assert "error: alerts.command ended with exit code 3: no route\n" in done.err


def test_one_that_hangs_is_ended_with_all_it_has_started(project: Project) -> None:
    script = "sleep 100 & echo $! >pid; wait"
    project("config", "set", "alerts.command", project.program("tell", script))
    project("config", "set", "alerts.timeout", "1s")
    done = project("alert", "test", expect=5)
    assert "error: alerts.command did not end within 1 s, and was ended\n" in done.err
    pid = int((project.home / "pid").read_text())
    until(lambda: not is_alive(pid))


def test_apprise_says_what_is_missing(project: Project) -> None:
    project("config", "set", "alerts.apprise", '["NIGHT_MAIL"]')
    done = project("alert", "test", expect=5)
    assert "pip install 'uwf[alerts]'" in done.err or "NIGHT_MAIL is not set" in done.err


def test_an_empty_home_has_no_alerts(project: Project) -> None:
    assert project("alert", "list", "--json").json == []
    assert "no alert" in project("alert", "list").err
