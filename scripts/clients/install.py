"""The real clients, at pinned versions, from the npm registry in a cache of the user's.

Nothing of them is in the project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PINNED = {
    "claude": "@anthropic-ai/claude-code@2.1.197",
    "codex": "@openai/codex@0.171.0",
    "claude-agent-acp": "@agentclientprotocol/claude-agent-acp@0.49.0",
    "gemini": "@google/gemini-cli@0.61.0",
}
"""By the name of the program that each brings."""

PUT_IN_PLACE_BY_SCRIPTS = {"claude"}
"""Whose package is no program before its own script has run; those of the others build what is not needed here."""


class NotInstalled(Exception):
    """Why a client is not there, in a line."""


def program(name: str) -> Path:
    """The folder that has the program `name`, installed there when it was not. Raises NotInstalled."""
    if shutil.which("git") is None:
        raise NotInstalled("git is not there, in whose folders it works")
    package = PINNED[name]
    folder = _cache() / package.replace("/", "-")
    found = folder / "node_modules" / ".bin"
    if (found / name).exists():
        return found
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotInstalled("npm or node is not there")
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    words = ["install", "--no-audit", "--no-fund", "--prefix", str(making)]
    words += [] if name in PUT_IN_PLACE_BY_SCRIPTS else ["--ignore-scripts"]
    done = subprocess.run([npm, *words, package], capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(making, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotInstalled(f"npm cannot install {package}: {said[0] if said else 'no reason said'}")
    try:
        making.rename(folder)
    except OSError:  # another was first
        shutil.rmtree(making, ignore_errors=True)
    return found


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "uwf" / "clients"
