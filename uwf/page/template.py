"""The templates of pages, which lie beside this file. Every value is escaped but for what `markup` has made.

What would turn text round, or nobody sees, is shown as an escape (`\\u202e`): here, once it is all one text, since an
entity of Markdown (`&#8238;`) has become a character by then.
"""

from __future__ import annotations

import os

from uwf.display import inert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def fill(name: str, values: Mapping[str, Any]) -> str:
    """The page `name` with its values. A value that the template names and that is not given is an error."""
    from liquid import CachingFileSystemLoader, Environment, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=CachingFileSystemLoader(os.path.dirname(__file__), auto_reload=False),
    )
    page = environment.get_template(name).render(**values)
    return inert.visible(page).encode("utf-8", "replace").decode()
