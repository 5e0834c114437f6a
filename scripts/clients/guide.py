"""The commands of docs/agents.md, as they stand there, each by a shell: in a terminal, and as cron runs them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from clients import crew
from clients.sessions import expect
from clients.world import UWF, WORKFLOW, World


def of(heading: str) -> str:
    """The section of the guide below this heading."""
    guide = (crew.ROOT / "docs" / "agents.md").read_text()
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", guide, re.M | re.S)
    assert found is not None, "the guide has it"
    return found[1]


def blocks(section: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.M | re.S)


def found(world: World) -> str:
    """The commands at its beginning, in a home without a config."""
    (world.home / "config.toml").unlink()
    guide = (crew.ROOT / "docs" / "agents.md").read_text()
    path = f"{Path(UWF).parent}{os.pathsep}{world.environ['PATH']}"
    lines = blocks(guide, "sh")[0].splitlines()
    for line in lines:
        _typed(world, line, {**world.environ, "PATH": path})
    expect(world.model.asked, "the model was not asked")
    return f"{len(lines)} commands"


def claude(world: World) -> str:
    section = of("Claude Code")
    (world.home / "config.toml").write_text(
        blocks(section, "toml")[0].replace("/home/me", str(world.person))
    )
    (world.person / "unattended.json").write_text("{}")
    (world.project / ".workflows").mkdir()
    greet = WORKFLOW.replace("name: pair", "name: greet")
    (world.project / ".workflows" / "greet.yaml").write_text(greet)
    programs = world.person / ".local" / "bin"
    programs.mkdir(parents=True)
    found = subprocess.check_output(["sh", "-c", "command -v claude"], env=world.environ, text=True)
    for path in (UWF, found.strip()):
        (programs / Path(path).name).symlink_to(path)
    path = f"{programs}{os.pathsep}{world.environ['PATH']}"
    lines = [line for block in blocks(section, "sh") for line in block.splitlines()]
    for line in lines:
        _typed(world, line, {**world.environ, "PATH": path})
    return f"{len(lines)} commands; {_by_cron(world, section)}"


def _by_cron(world: World, section: str) -> str:
    """What stands in its crontab runs what is due, with as little as cron gives it."""
    [line] = blocks(section, "crontab")
    thread = world.begin("--wake")
    settings = "".join(f"{name}='{value}'\n" for name, value in world.environ.items())
    (world.person / ".uwf-env").write_text(re.sub(r"^(HOME|PATH)=.*\n", "", settings, flags=re.M))
    given = {"HOME": str(world.person), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    _typed(world, re.sub(r"^(\S+\s+){5}", "", line), given)
    status = world.show(thread)["status"]
    expect(status == "completed", f"what cron has run is {status}")
    return "cron's line ran what was due"


def _typed(world: World, line: str, environ: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=world.project,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )
    expect(done.returncode == 0, f"{line}: exit {done.returncode}: {done.stdout} {done.stderr}")
