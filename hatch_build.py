"""What an installation compiles: the starter, see uwf/agent/process/start.c. Without it `uwf` forks, and works as well.

So nothing here ever fails: where there is no compiler, or what it makes does not run, the wheel is one for any machine.
CC names another compiler; CC=false makes that wheel on purpose.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

SOURCE, STARTER = "uwf/agent/process/start.c", "uwf/agent/process/start-1"
FLAGS = "-O1 -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -no-pie -nostdlib -static -s"
MACHINES = ("linux_x86_64", "linux_aarch64")  # that SOURCE knows
NEVER_RAN = 127  # how it ends when it is given nothing to start


class StarterHook(BuildHookInterface):
    """Puts the starter into a wheel, or into the source tree when that is installed as editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        machine = this_machine()
        if machine is None:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="uwf-build-")  # goes with this hook
        starter = os.path.join(self._folder.name, "start")
        if not compiles(os.path.join(self.root, SOURCE), starter):
            return
        if version == "editable":
            put(starter, os.path.join(self.root, STARTER))
            return
        build_data["force_include"][starter] = STARTER
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{machine}"


def this_machine() -> str | None:
    """The platform tag for wheels that run here and hold a starter, or None."""
    return next((tag for tag in platform_tags() if tag in MACHINES), None)


def compiles(source: str, starter: str) -> bool:
    """Compile `source` to `starter`. Whether that works, and so does what came of it."""
    command = [*shlex.split(os.environ.get("CC") or "cc"), *FLAGS.split(), "-o", starter, source]
    try:
        made = subprocess.run(command, capture_output=True, check=False)
        return (
            made.returncode == 0 and subprocess.run([starter], check=False).returncode == NEVER_RAN
        )
    except OSError:
        return False


def put(starter: str, place: str) -> None:
    """Copy it to `place` in one step: programs that run now may be starting agents with what is there."""
    try:
        with tempfile.TemporaryDirectory(dir=os.path.dirname(place)) as folder:
            os.replace(shutil.copy(starter, folder), place)
    except OSError:
        return  # a source tree that cannot be written
