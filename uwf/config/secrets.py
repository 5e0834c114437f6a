"""Which values are secrets, and what they may look like.

Those of environment variables and config keys whose names say so, and what a command line hands over as a key or a
password. An ordinary word is none, whatever its variable is called: `POSTGRES_PASSWORD=postgres` hides nothing, and
would be struck out of every text that speaks of that database. Who wants it hidden names it in `secrets`.
"""

from __future__ import annotations

from uwf.store_address import passwords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from uwf.config.records import Config

PATTERNS = ("*_KEY", "*_TOKEN", "*_SECRET", "*PASSWORD*")
"""Names are compared without regard to case."""

MIN_CHARS = 8
"""Shorter values stand in too many innocent places."""

MIXED_CHARS, NAMED_CHARS = 6, 4
"""How short one may be that has letters and digits; one that a person has named."""

WORD_CHARS = 14
"""From this length on letters alone are no ordinary word any more."""

ENCODED_CHARS = 8
"""The shortest part of an encoded value that is looked for."""

LINE_BYTES = 57
"""What `base64` puts on one line."""

_HINTS = ("key", "token", "secret", "passw", "authorization", "://")
"""One of these stands in every command line that hands a secret over."""


def secret_values(environ: Mapping[str, str], config: Config) -> list[tuple[str, str]]:
    """(name, value) of every secret in every form, longest first, so that one inside another is not torn apart."""
    named = (*config.secrets, *_variables(config.settings))
    found = _hidden(environ, named, MIN_CHARS)
    for role in config.roles.values():
        found += _hidden(dict(role.env), named, NAMED_CHARS)
    for agent in config.agents.values():
        found += _hidden(dict(agent.env), named, NAMED_CHARS)
        words = (f"'{word}'" if " " in word else word for word in agent.argv)
        found += in_command(" ".join(words))
    for address in (config.store, environ.get("UWF_STORE", "")):
        found += [("store", value) for value in passwords(address) if not is_ordinary(value)]
    return in_all_forms(found)


def _variables(settings: Mapping[str, Any]) -> Iterator[str]:
    """The variables that the configuration names for what is in them: tokens, secrets of webhooks, addresses, keys."""
    tables = [settings.get("daemon", {}), settings.get("alerts", {})]
    for table in (*tables, *settings.get("sources", {}).values()):
        if "token" in table:
            yield table["token"]
        for key in ("tokens", "secrets", "apprise"):
            yield from table.get(key, ())
    for agent in settings.get("agents", {}).values():
        if "key_env" in agent:
            yield agent["key_env"]


def secret_variables(environ: Mapping[str, str], config: Config) -> frozenset[str]:
    """The names of those variables that hold secrets, by their names."""
    patterns = (*PATTERNS, *config.secrets)
    return frozenset(name for name in environ if is_secret(name, patterns))


def in_all_forms(secrets: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """`secrets` in every form, longest first; of one value the first name counts."""
    found: dict[str, str] = {}
    for name, value in secrets:
        for form in _forms(value):
            found.setdefault(form, name)
    return sorted(((name, value) for value, name in found.items()), key=_longest_first)


def in_command(line: str) -> list[tuple[str, str]]:
    """(name, value) of what a command line hands over as a secret: `--api-key VALUE`, `--token=VALUE`, `A_KEY=VALUE`,
    `Authorization: Bearer VALUE`, `https://user:VALUE@host`.
    """
    if not any(hint in line.lower() for hint in _HINTS):
        return []
    import re  # few command lines have one

    option = r"--?[\w-]*?(?:key|token|secret|password|passwd)(?:=|\s+)"
    variable = r"\b\w*(?:_KEY|_TOKEN|_SECRET|PASSWORD)="
    header = r"\b[\w-]*(?:key|token|authorization)\s*:\s*(?:bearer\s+|token\s+|basic\s+)?"
    url = r"://[^\s/:@]*:(?=[^\s/@]+@)"
    word = r"\"(?P<twice>[^\"]+)\"|'(?P<once>[^']+)'|(?P<bare>[^\s\"']+)"
    handed = rf"(?P<name>{option}|{variable}|{header})(?:{word})|{url}(?P<part>[^\s\"'@]+)"
    found = []
    for match in re.finditer(handed, line, re.IGNORECASE):
        value = match["twice"] or match["once"] or match["bare"] or match["part"]
        if len(value) >= NAMED_CHARS and not value.startswith(("-", "$", "/")):
            name = re.split(r"[=:\s]", match["name"] or "password")[0]
            found.append((name.strip("-"), value))
    return found


def _hidden(
    variables: Mapping[str, str], named: tuple[str, ...], least: int
) -> list[tuple[str, str]]:
    """Those of `variables` that are secrets by their names; and by their look, where no person has `named` them."""
    patterns = (*PATTERNS, *named)
    return [
        (name, value)
        for name, value in variables.items()
        if is_secret(name, patterns)
        and (len(value) >= NAMED_CHARS if is_secret(name, named) else _is_long(value, least))
    ]


def _is_long(value: str, least: int) -> bool:
    """Whether `value` is too long, or too odd, to stand in a text by chance."""
    if is_ordinary(value):
        return False
    is_mixed = value.isalnum() and not value.isdigit() and not value.isalpha()
    return len(value) >= (min(MIXED_CHARS, least) if is_mixed else least)


def is_ordinary(value: str) -> bool:
    """Whether `value` is a word as it stands in any text."""
    is_word = value.islower() or value.isupper() or value.istitle()
    return value.isalpha() and is_word and len(value) < WORD_CHARS


def _forms(value: str) -> list[str]:
    """What `value` may look like in what an agent says: itself, quoted as JSON and YAML do, line by line, in a URL, in
    base64.
    """
    encoded = [*_in_url(value), *_in_base64(value.encode(errors="surrogateescape"))]
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return [value, *encoded]
    import json

    quoted = [json.dumps(value, ensure_ascii=only_ascii)[1:-1] for only_ascii in (True, False)]
    lines = [line.strip() for line in value.splitlines()]
    return [value, *quoted, *encoded, *(line for line in lines if len(line) >= MIN_CHARS)]


def _in_url(value: str) -> list[str]:
    """`value` as a part of a URL, where that looks different: with `/` as it is, and without; with `%2F`, and `%2f`;
    and as a form sends it, with `+` for a space.
    """
    if value.isascii() and value.replace("-", "").replace("_", "").isalnum():
        return []
    data = value.encode(errors="surrogateescape")
    found = []
    for plain in (b"-._~", b"-._~/"):
        for digits in ("%{:02X}", "%{:02x}"):
            letters = (chr(b) if _is_plain(b, plain) else digits.format(b) for b in data)
            found.append("".join(letters))
    found += [form.replace("%20", "+") for form in found]
    return [form for form in dict.fromkeys(found) if form != value and len(form) >= ENCODED_CHARS]


def _is_plain(byte: int, plain: bytes) -> bool:
    return byte in plain or (byte < 128 and chr(byte).isalnum())


def _in_base64(data: bytes) -> list[str]:
    """What of `data` stands in any base64 of a text that holds it: a character of base64 is of one to two bytes, so
    there are three ways to begin. Long values also as `base64` wraps them.
    """
    from binascii import b2a_base64

    found = []
    for before in range(3):
        whole = b2a_base64(bytes(before) + data, newline=False).decode()
        found.append(whole[-(-before * 8 // 6) : (before + len(data)) * 8 // 6])
    if len(data) > LINE_BYTES:
        lines = [data[at : at + LINE_BYTES] for at in range(0, len(data), LINE_BYTES)]
        found += [b2a_base64(each, newline=False).decode()[: len(each) * 8 // 6] for each in lines]
    found += [form.replace("+", "-").replace("/", "_") for form in found]
    return [form for form in dict.fromkeys(found) if len(form) >= ENCODED_CHARS]


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
