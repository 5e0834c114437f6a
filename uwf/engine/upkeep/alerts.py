"""Alerts: what a person must know, by cause. One cause is one alert that is updated, however many symptoms it has.

    P0  told now: nothing goes on until somebody acts
    P1  told together with others, within the hour
    P2  told in the digest alone

What was told is not told again within a day. What is over says so, if it was told; should it come back and stay, it is
told once more, after an hour: until then it may come and go. An alert is an entry of kind
`alert`, its key the cause. It is marked as told once the message was delivered: a crash between tells it twice rather
than never.
"""

from __future__ import annotations

from uwf import clock
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from uwf.store.protocols import Store
    from uwf.store.values import Entry

KIND = "alert"
WAITS, BROKEN = "waits/", "aside/thread/"
"""How the causes begin of threads that wait for a person, and of those that cannot be read."""
OPEN, OVER = "open", "over"
"""States of entries: there is still something to tell, or there may be; nothing is."""
P0, P1, P2 = "P0", "P1", "P2"
LEVELS = (P0, P1, P2)
"""The gravest first, also as texts."""

AGAIN_MS = clock.DAY_MS
TOGETHER_MS = 3_600_000
GATHER_MS = 600_000
"""How long the first P1 waits for others."""
MOST_LINES, LINE_CHARS = 30, 600
"""Of one message, and of a line of it."""
KEPT_MS = 30 * clock.DAY_MS


class Alert(Record):
    """One cause, open until it is `over`. `since` is when it came up, `told` when a person was told last, None: never.

    `count` is how often it was reported since it came up. `over_told`: the last word on it was that it is over. Times
    are epoch milliseconds.
    """

    cause: str
    level: str
    text: str
    since: int
    last: int
    count: int = 1
    told: int | None = None
    over: int | None = None
    over_told: bool = False

    @property
    def is_open(self) -> bool:
        return self.over is None

    @property
    def news_ms(self) -> int:
        """When the last thing about it happened that is worth telling."""
        return self.since if self.over is None else self.over


def report(store: Store, cause: str, level: str, text: str) -> Alert:
    """Open the alert of this cause, or update the open one, whose gravest level counts."""
    assert level in LEVELS, level
    now_ms = clock.now_ms()

    def reported(before: Alert | None) -> Alert:
        if before is None:
            return Alert(cause, level, text, now_ms, now_ms)
        if not before.is_open:
            return replace(
                before, level=level, text=text, since=now_ms, last=now_ms, count=1, over=None
            )
        return replace(
            before,
            level=min(level, before.level),
            text=text,
            last=now_ms,
            count=before.count + 1,
            # What is graver than what a person was told is news.
            told=None if level < before.level else before.told,
        )

    alert = _change(store, cause, reported)
    assert alert is not None, "it was reported"
    return alert


def clear(store: Store, cause: str, *, silently: bool = False) -> Alert | None:
    """The cause is no more. None when there is no open alert of it. `silently`: nobody wants to hear that."""
    before = _read(store.entry(KIND, cause))
    if before is None or not before.is_open:
        return None

    def over(now: Alert | None) -> Alert | None:
        if now is None or not now.is_open:
            return None
        return replace(now, over=clock.now_ms(), over_told=silently or now.over_told)

    return _change(store, cause, over)


def remind(store: Store, cause: str) -> None:
    """What was told of an open alert is to be told once more."""

    def untold(now: Alert | None) -> Alert | None:
        is_told = now is not None and now.is_open and now.told is not None
        return replace(now, told=None) if now is not None and is_told else None

    _change(store, cause, untold)


def all_of(store: Store) -> list[Alert]:
    """Every alert that is kept, the gravest open one first, those that are over last."""
    found = [alert for entry in store.entries(KIND) if (alert := _read(entry)) is not None]
    return sorted(found, key=lambda one: (not one.is_open, one.level, one.since))


def due(store: Store, now_ms: int) -> list[Alert]:
    """What is to be told now, in one message. Nothing while it is P1 alone and others may still come."""
    found = all_of(store)
    news = [alert for alert in found if _is_news(alert, now_ms)]
    at_once = [alert for alert in news if alert.level == P0]
    together = [alert for alert in news if alert.level == P1]
    if together:
        last_ms = max((one.told or 0 for one in found if one.level == P1), default=0)
        begun_ms = min(alert.news_ms for alert in together)
        if last_ms > now_ms or now_ms >= max(begun_ms + GATHER_MS, last_ms + TOGETHER_MS):
            return at_once + together
    return at_once


def told(store: Store, alerts: Sequence[Alert], now_ms: int) -> None:
    """Mark these as delivered, but for those of which there is other news since."""
    for alert in alerts:

        def delivered(now: Alert | None, alert: Alert = alert) -> Alert | None:
            if now is None or (now.since, now.over) != (alert.since, alert.over):
                return None
            return replace(now, told=now_ms, over_told=not alert.is_open)

        _change(store, alert.cause, delivered)


def prune(store: Store, now_ms: int) -> int:
    """Forget what came up long ago and is over, but for what a person has still to be told of; how many."""
    with store.transaction("alert prune", durable=False) as tx:
        return tx.drop_entries(KIND, now_ms - KEPT_MS, OVER)


def message(alerts: Iterable[Alert]) -> tuple[str, str]:
    """What a person is told of these: one line, and a line for each."""
    found, lines = list(alerts), []
    for alert in found[:MOST_LINES]:
        word = alert.level if alert.is_open else "over"
        times = f" ({alert.count} times)" if alert.is_open and alert.count > 1 else ""
        lines.append(f"{word}: {_one_line(alert.text)}{times}")
    first = lines[0] if lines else ""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    if len(found) > MOST_LINES:
        lines.append(f"and {len(found) - MOST_LINES} more: uwf alert list")
    return f"uwf: {first}{more}", "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE_CHARS else f"{line[: LINE_CHARS - 1]}…"


def _is_news(alert: Alert, now_ms: int) -> bool:
    if not alert.is_open:
        return alert.told is not None and not alert.over_told
    if alert.told is None or not alert.told <= now_ms < alert.told + AGAIN_MS:
        return True
    return (
        alert.over_told and now_ms >= alert.since + TOGETHER_MS
    )  # else a person takes it for over


def _read(entry: Entry | None) -> Alert | None:
    if entry is None:
        return None
    return Alert(**{name: entry.value[name] for name in Alert._fields if name in entry.value})


def _change(
    store: Store, cause: str, change: Callable[[Alert | None], Alert | None]
) -> Alert | None:
    """Store what `change` makes of the alert of this cause, and give it back; where that is None nothing is stored."""
    with store.transaction("alert", durable=False) as tx:
        entry = tx.entry(KIND, cause)
        alert = change(_read(entry))
        if alert is None:
            return None
        if entry is None:
            tx.add_entry(KIND, cause, alert.since, OPEN, vars(alert))
        else:
            state = OPEN if alert.is_open or _is_news(alert, clock.now_ms()) else OVER
            tx.set_entry(KIND, cause, state=state, value=vars(alert))
        return alert
