"""`uwf alert`: what a person must know, and whether a message would reach that person."""

from __future__ import annotations

from uwf.cli.command import command
from uwf.cli.screen.cells import short
from uwf.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import Alert
    from uwf.cli.context import Context
    from uwf.display.times import Times


@command(
    "alert list",
    help="List the alerts by cause, the gravest first.",
    detail="The open ones, then those that are over. P0 is told at once, P1 together with others within the hour, P2 "
    "in the digest alone.",
    example="uwf alert list",
    times=True,
)
def list_(ctx: Context) -> None:
    alerts = ctx.app.alerts.all()
    ctx.out.answer(
        alerts,
        ids=[alert.cause for alert in alerts if alert.is_open],
        draw=lambda: ctx.out.table(
            ("level", "state", "since", "times", "told", "cause", "what"),
            [_cells(alert, ctx.times) for alert in alerts],
            cut=("what",),
            spare=("times", "told"),
        ),
    )
    if not alerts:
        ctx.out.note("no alert was ever raised here")


def _cells(alert: Alert, times: Times) -> list[str]:
    state = "open" if alert.is_open else "over"
    what = short(alert.text, 200)
    count = str(alert.count)
    return [
        alert.level,
        state,
        times.moment(alert.news_ms),
        count,
        times.moment(alert.told),
        alert.cause,
        what,
    ]


@command(
    "alert test",
    help="Send a message every way that the config names.",
    detail="It says of each whether it went. `alerts.command` gets the text on its stdin, with UWF_ALERT_SUBJECT and "
    "UWF_ALERT_LEVEL in its environ. "
    "It works in the folder of the home. "
    "`alerts.apprise` names environment variables that hold Apprise addresses. Exit 5 when one way failed.",
    example="uwf alert test",
)
def test(ctx: Context) -> None:
    from uwf.daemon.alerts import delivery

    rules = ctx.app.alerts.config
    if not delivery.is_possible(rules):
        ctx.out.answer({"sent": False}, ids=[], draw="nobody is told of alerts")
        ctx.out.hint("uwf config set alerts.command 'notify-send uwf'")
        return
    subject = "uwf: a test"
    text = "This is a test. Nothing has happened.\n"
    came = delivery.deliver(ctx.home, rules, "P0", subject, text)
    if came.failed:
        raise StateError(came.words, hint="uwf config list alerts", code="undelivered")
    ctx.out.answer({"sent": True}, ids=[], draw="sent")
