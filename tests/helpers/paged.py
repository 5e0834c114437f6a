"""A thread whose agents said what they should not, in a home of its own: to be looked at as a page."""

from __future__ import annotations

from tests.helpers.fake_agent import Said, crash, reply
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, Rig
from uwf.agent.protocol import ToolCall, ToolResult
from uwf.app import App

SCRIPT = "<script>console.log('owned'); document.title = 'owned'</script>"
HOSTILE = "\n\n".join(
    (
        SCRIPT,
        "<img src=x onerror=\"console.log('owned')\">",
        "[a link](javascript:console.log('owned')) <javascript:alert(1)> [b](JaVaScRiPt:alert(1))",
        "[c](data:text/html,<script>alert(1)</script>) [d](vbscript:x) [e](file:///etc/passwd)",
        "![remote](https://example.invalid/picture.png) ![f](javascript:alert(1))",
        "<svg width='99999' height='99999' onload='alert(1)'><script>alert(1)</script></svg>",
        "</style></pre></div></details><iframe src='https://example.invalid/'></iframe>",
        "{{ title }} {% assign x = 1 %} {{ 'a' | upcase }}",
        "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \u202egnp.exe\u202c &#8238; \u200b \x7f",
        "[x]: https://example.invalid/ '\"><script>alert(1)</script>'",
        '[x] <https://example.invalid/"onmouseover="alert(1)>',
        "`</code><script>alert(1)</script>`",
        "```html\n</code></pre><script>alert(1)</script>\n```",
        "| a | b |\n|---|---|\n| <b onclick=alert(1)>x</b> | y |",
        "> " * 500 + "deep",
    )
)


def hostile_home(home: str) -> str:
    """Make a thread there; its id."""
    with App.open(home) as app:
        rig = Rig(app.store(create=True), home)
        id = rig.start(PAIR, task=f"Write a parser. {HOSTILE}")
        app.mark(id, title=f"A title {SCRIPT}")
        tools = (
            ToolCall("1", "Read", {"path": SCRIPT}),
            ToolResult("1", HOSTILE),
        )
        wrote = Said(
            text=reply("done", HOSTILE, file=HOSTILE, **{"a_field_of_that_name_" * 4: "x"}),
            events=tools,
            usage={"usd": 0.25, "tokens": 1200},
        )
        rig.run(id, "exec", crash(HOSTILE))
        rig.run(id, "resume", wrote, CHANGES, wrote, APPROVED, count=None, supplement=HOSTILE)
    return id
