"""Which pull requests threads carry, by their labels `pr` and `repo`.

A completed thread carries its own until that is closed, since a comment may wake it; a cancelled one does not.
"""

from __future__ import annotations

from uwf import clock
from uwf.engine.chain.tags import CANCELLED, LABEL, STATUS, THREADS
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.store.protocols import Refs

PR, REPO = "pr", "repo"


class CarriedPull(Record):
    """A pull request that `threads` carry, the first since `begun_ms`; the last of them moved at `active_ms`."""

    number: int
    threads: tuple[str, ...]
    begun_ms: int
    active_ms: int


def carried(reader: Refs, repo: str, *, is_only_one: bool) -> list[CarriedPull]:
    """Those of `repo`. A thread without the label `repo` counts where there `is_only_one` repository to ask."""
    found: dict[int, CarriedPull] = {}
    for ref in reader.refs_by_tag(THREADS, LABEL + PR):
        number = ref.tags[LABEL + PR]
        of_repo = ref.tags.get(LABEL + REPO, repo if is_only_one else "")
        if ref.tags.get(STATUS) == CANCELLED or of_repo.lower() != repo.lower():
            continue
        thread = ref.name.removeprefix(THREADS)
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            continue
        if not clock.is_ulid(thread):
            continue
        begun_ms = clock.ulid_ms(thread)
        one = found.get(int(number), CarriedPull(int(number), (), begun_ms, 0))
        found[int(number)] = replace(
            one,
            threads=(*one.threads, thread),
            begun_ms=min(one.begun_ms, begun_ms),
            active_ms=max(one.active_ms, ref.updated_ms),
        )
    return list(found.values())
