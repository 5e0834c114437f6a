"""Asking a service over HTTP which models it has: whether it is there, takes the key, and knows the model."""

from __future__ import annotations

import json
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from uwf.agent.clients.client import clean, rows
from uwf.agent.clients.inspection import Inspection
from uwf.nearest import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TIMEOUT_S = 5.0
_MOST_BYTES = 4 << 20


def inspect(base_url: str, secret: str, model: str) -> Inspection:
    """What `GET /models` tells; None where a service has no such list."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    try:
        request = Request(f"{base_url}/models", headers=headers)
        with build_opener(_NoOtherPlace).open(request, timeout=TIMEOUT_S) as response:
            said = json.loads(response.read(_MOST_BYTES))
    except HTTPError as error:
        error.close()
        if error.code in (401, 403):
            return Inspection(is_logged_in=False, problem=f"its service answers {error.code}")
        return Inspection()
    except (OSError, HTTPException) as error:
        return Inspection(problem=f"its service cannot be reached: {error}")
    except (ValueError, RecursionError):
        return Inspection()
    found = [
        clean(one.get("id")) for one in rows(said.get("data") if isinstance(said, dict) else 0)
    ]
    if not found or model in found:
        return Inspection(is_logged_in=True if found and secret else None)
    meant = nearest(model, found) or ", ".join(found[:5])
    return Inspection(problem=f"its service has no model {model!r}; it has {meant}")


class _NoOtherPlace(HTTPRedirectHandler):
    """The key is for one service: what it says of another place is followed by nobody."""

    def redirect_request(self, *_args: Any) -> None:
        """An error instead."""
