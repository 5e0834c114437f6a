"""All tools, in the order in which they are listed. A new one is one line here."""

from __future__ import annotations

from uwf.mcp.tools.acts import ACTS
from uwf.mcp.tools.looks import LOOKS
from uwf.mcp.tools.waiting import WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.mcp.tools.tool import Tool

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*LOOKS, WAIT, *ACTS)}
