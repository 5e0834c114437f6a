"""Which values are secrets: those of environment variables and config keys whose names say so."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.config import Config

PATTERNS = ("*_KEY", "*_TOKEN", "*_SECRET", "*PASSWORD*")
"""Names are compared without regard to case."""

MIN_CHARS = 8
"""Shorter values stand in too many innocent places."""


def secret_values(environ: Mapping[str, str], config: Config) -> list[tuple[str, str]]:
    """(name, value) of every secret in every form, longest first, so that one inside another is not torn apart."""
    patterns = (*PATTERNS, *config.secrets)
    found: dict[str, str] = {}
    for env in (environ, *(dict(agent.env) for agent in config.agents.values())):
        for name, value in env.items():
            if len(value) >= MIN_CHARS and is_secret(name, patterns):
                for form in _forms(value):
                    found.setdefault(form, name)
    return sorted(((name, value) for value, name in found.items()), key=_longest_first)


def _forms(value: str) -> list[str]:
    """What `value` may look like in what an agent says: itself, quoted as JSON and YAML do, and line by line."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return [value]
    import json

    quoted = [json.dumps(value, ensure_ascii=only_ascii)[1:-1] for only_ascii in (True, False)]
    lines = [line.strip() for line in value.splitlines()]
    return [value, *quoted, *(line for line in lines if len(line) >= MIN_CHARS)]


def is_secret(name: str, patterns: tuple[str, ...] = PATTERNS) -> bool:
    """Whether `name` fits one of `patterns`; `*` at either end stands for anything."""
    name = name.upper()
    return any(_fits(name, pattern.upper()) for pattern in patterns)


def _fits(name: str, pattern: str) -> bool:
    core = pattern.strip("*")
    if pattern.startswith("*") and pattern.endswith("*"):
        return core in name
    if pattern.startswith("*"):
        return name.endswith(core)
    return name.startswith(core) if pattern.endswith("*") else name == core


def _longest_first(secret: tuple[str, str]) -> tuple[int, str]:
    name, value = secret
    return -len(value), name
