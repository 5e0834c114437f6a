"""What triggers say with templates: which threads, and what these are told. Bounded in time and length."""

from __future__ import annotations

import shlex

from uwf.workflow import template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.events.event import Event

MOST_CHARS = 32_000
"""Of what one event has to say. The rest is read by its id."""
_MOST_SHOWN = 4_000
"""Of data that no trigger has put into words."""


def said(event: Event, text: str | None, variables: Mapping[str, Any]) -> str:
    """What a thread is told of `event`, by the template `text` of a trigger. Raises `TemplateInvalid`."""
    if text is None:
        return _by_itself(event)
    told = template.render(text, variables).strip()
    return _cut(told, MOST_CHARS, event) or event.name


def filled(templates: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, str]:
    """Labels with their templates filled in. Raises `TemplateInvalid`."""
    return {key: template.render(text, variables).strip() for key, text in templates.items()}


def _by_itself(event: Event) -> str:
    if event.data is None:
        return event.name
    data = event.data if isinstance(event.data, str) else _json(event.data)
    return f"{event.name}\n\n{_cut(data, _MOST_SHOWN, event)}"


def _json(data: Any) -> str:
    import json

    return json.dumps(data, ensure_ascii=False, indent=2)


def _cut(text: str, most: int, event: Event) -> str:
    if len(text) <= most:
        return text
    show = f"uwf event show -- {shlex.quote(event.key)}"  # a stranger may have made up what it is called
    return f"{text[:most]}\n\n(… {len(text) - most} more characters: `{show}`)"
