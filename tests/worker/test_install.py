"""The file by which a supervisor keeps a worker running."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worker.conftest import Machine
from uwf.cli.line.parse import parse
from uwf.daemon import install
from uwf.worker import serve
from uwf.worker.serve import WorkerOptions

linux = pytest.mark.skipif(sys.platform != "linux", reason="systemd is a thing of Linux")


@linux
def test_unit_begins_the_worker_that_was_asked_for(machine: Callable[[str], Machine]) -> None:
    ant = machine("ant")
    options = ("--slots", "3", "--label", "gpu", "--label", "big")
    done = ant("worker", "install", *options, "--json").json
    path = Path(done["path"])
    lines = path.read_text().splitlines()
    [command] = [line for line in lines if line.startswith("ExecStart=")]
    words = '"worker" "run" "--slots=3" "--label=gpu" "--label=big"'
    assert command.endswith(f'{words} "--home={ant.home}"')
    for line in ("Type=notify", "KillMode=process", 'Environment="UWF_HOST=ant"'):
        assert line in lines
    assert not [line for line in lines if line.startswith("ExecReload=")], "it reads nothing anew"
    assert f"systemctl --user enable --now {path.name}" in done["commands"]
    daemon = ant("daemon", "install", "--dry-run", "--json").json
    assert daemon["path"] != str(path)
    assert ant("worker", "install", "--uninstall", "--json").json["removed"] is True
    assert not path.exists()


@pytest.mark.parametrize(
    "options",
    [
        WorkerOptions(),
        WorkerOptions(2, ("gpu",), (), 0.1),
        WorkerOptions(1, ("gpu", "big.box"), ("painter", "judge"), 90.0),
    ],
)
def test_what_was_asked_for_is_what_is_typed(options: WorkerOptions) -> None:
    call = parse(["worker", "run", *serve.supervised(options).options])
    assert call is not None
    agents = call.values.get("agents")
    assert options == WorkerOptions(
        call.values.get("slots"),
        call.values.get("label", ()),
        None if agents is None else tuple(filter(None, agents.split(","))),
        call.values.get("poll", serve.POLL_S),
    )


def test_a_worker_that_could_not_begin_is_not_installed(
    machine: Callable[[str], Machine],
) -> None:
    ant = machine("ant")
    alone = ant("worker", "install", "--json", expect=5, env={"UWF_STORE": "sqlite"})
    assert alone.error["code"] == "store_not_shared"
    for words in (("--agents", "nobody"), ("--label", "a b")):
        ant("worker", "install", *words, expect=2)
        assert not list(ant.cwd.parent.rglob("uwf-worker*"))
    assert install.MARK in ant("worker", "install", "--dry-run").out
    assert not list(ant.cwd.parent.rglob("uwf-worker*"))
