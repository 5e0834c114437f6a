"""The clients that are tried: how each is told of its model, what of it must be in a config, what it can."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

RESUMES, FORKS, RUNS, MONEY = "resumes", "forks", "runs", "money"
DENIES, ASKS, RESETS, HEARS, TELLS = "denies", "asks", "resets", "hears", "tells"
STREAMS = "streams"
GUIDED, ENDS, FOUND, SANDBOXED = "guided", "ends", "found", "sandboxed"
YIELDS, LASTS, SERVED, TRAVELS = "yields", "lasts", "served", "travels"
"""What a client can: go on in its session, also in that of a run that did not end; go on in a fork of it; run commands;
say what it cost; deny a tool and say so; ask for permission; tell when a limit resets; hear what it is told while it
works; tell what it used while it works, and not at the end alone; stream a message piece by piece.
One has commands of its own in the guide, one those at its beginning. One ends where the
budget does, one runs its commands in a sandbox. Gemini CLI tries a service that is in trouble again by itself for
minutes, the others yield sooner; it ends by itself what repeats itself, and may lose the end of what is long, where
they last. One is served by `uwf mcp`. Two keep their sessions in files that go along to other machines.
"""


class Client(NamedTuple):
    """`program` is that of `install.PINNED`. `config` is the table of its agent, without its name; `permits` are keys
    more for one that may do all. `prepare` writes its own files below the home folder, and gives its environment.
    """

    name: str
    program: str
    kind: str
    config: str
    permits: str
    can: frozenset[str]
    prepare: Callable[[Path, str], Mapping[str, str]]
    subscribed: Mapping[str, str] = {}


def _claude(_home: Path, url: str) -> Mapping[str, str]:
    quiet = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC DISABLE_TELEMETRY DISABLE_AUTOUPDATER"
    environ = dict.fromkeys((*quiet.split(), "DISABLE_ERROR_REPORTING", "IS_SANDBOX"), "1")
    service = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-none"}
    return {**environ, **service, "CLAUDE_CODE_MAX_RETRIES": "1"}


def _codex(home: Path, url: str) -> Mapping[str, str]:
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(
        'model = "fake-model"\nmodel_provider = "fake"\n[model_providers.fake]\nname = "fake"\n'
        f'base_url = "{url}/v1"\nenv_key = "CODEX_TRIAL_KEY"\nwire_api = "responses"\n'
        "request_max_retries = 1\nstream_max_retries = 1\n"
    )
    return {"CODEX_TRIAL_KEY": "none"}


def _gemini(home: Path, url: str) -> Mapping[str, str]:
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_text(
        '{"security": {"auth": {"selectedType": "gemini-api-key"}},'
        ' "privacy": {"usageStatisticsEnabled": false}, "general": {"disableAutoUpdate": true}}'
    )
    guide = (ROOT / "docs" / "agents.md").read_text()
    wrapper = re.search(r"^### Python: Gemini CLI\n.*?^```python\n(.*?)^```", guide, re.M | re.S)
    assert wrapper is not None, "the guide has it"
    program = home / "gemini-agent"
    program.write_text(wrapper[1])
    program.chmod(0o755)
    trust = {"GEMINI_CLI_TRUST_WORKSPACE": "true", "GEMINI_API_KEY": "none"}
    return {**trust, "GOOGLE_GEMINI_BASE_URL": url}


SUBSCRIBED = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-none"}
"""Only who logs in is told when a limit resets."""

CREW = (
    Client(
        "Claude Code",
        "claude",
        "claude",
        "",
        'permissions = "bypassPermissions"\n',
        frozenset(
            {YIELDS, LASTS, RESUMES, FORKS, RUNS, MONEY, DENIES, RESETS, HEARS, TELLS, GUIDED, ENDS}
        )
        | {STREAMS, SERVED, TRAVELS},
        _claude,
        SUBSCRIBED,
    ),
    Client(
        "Codex",
        "codex",
        "codex",
        "",
        'permissions = "danger-full-access"\n',
        frozenset({YIELDS, LASTS, RESUMES, FORKS, RUNS, SANDBOXED, FOUND, TELLS, TRAVELS}),
        _codex,
    ),
    Client(
        "Claude Code by ACP",
        "claude-agent-acp",
        "acp",
        'command = "claude-agent-acp"\n',
        'on_permission = "allow"\n',
        frozenset({YIELDS, LASTS, RESUMES, FORKS, RUNS, MONEY, ASKS, STREAMS}),
        _claude,
    ),
    Client(
        "Gemini CLI by ACP",
        "gemini",
        "acp",
        'command = "gemini --acp -m gemini-2.5-flash"\n',
        'on_permission = "allow"\n',
        frozenset({RUNS}),
        _gemini,
    ),
    Client(
        "Gemini CLI by its wrapper",
        "gemini",
        "command",
        'command = "~/gemini-agent"\n',
        "",
        frozenset(),
        _gemini,
    ),
)


def path_of(bin: Path) -> str:
    """The PATH on which a client is found, and what it needs."""
    return os.pathsep.join((str(bin), os.environ["PATH"]))
