"""What a person notes on a thread: labels, priority, a title, where it may run. All stand in its tags, each change
in its log.

It says nothing of where a thread stands, so no lock is needed: a run that goes on meanwhile keeps what it finds.
"""

from __future__ import annotations

from uwf import quantities
from uwf.engine.actions.lifecycle import check_label
from uwf.engine.chain.place import checked
from uwf.engine.chain.tags import LABEL, PLACE, PRIORITY, THREADS, TITLE
from uwf.engine.chain.thread import move_head
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.store.protocols import Store
    from uwf.store.values import Ref

MAX_TITLE_CHARS = 200


class Marks(Record):
    """What is to change: labels, an empty value taking one away; the priority; the title and the place, an empty one
    taking it away.

    None leaves things as they are.
    """

    labels: Mapping[str, str]
    priority: int | None = None
    title: str | None = None
    place: str | None = None


def mark(store: Store, id: str, marks: Marks) -> Ref:
    """Change the tags of thread `id`; nothing is written where nothing differs. Raises `InputError`."""
    wanted = _tags(id, marks)
    name = THREADS + id
    with store.transaction("mark") as tx:
        ref = tx.ref(name)
        assert ref is not None, "no act deletes a thread"
        changed = {key: new for key, new in wanted.items() if ref.tags.get(key, "") != new}
        if not changed:
            return ref
        why = "set " + ", ".join(_said(key, new) for key, new in changed.items())

        def tags(now: Mapping[str, str]) -> dict[str, str]:
            return {key: tag for key, tag in {**now, **changed}.items() if changed.get(key) != ""}

        return move_head(tx, id, ref.id, tags, expect=ref, why=why)


def _tags(id: str, marks: Marks) -> dict[str, str]:
    """The tags as they are to be, "" where there is to be none."""
    for key, value in marks.labels.items():
        check_label(key, value, f"uwf thread set {id}")
    found = {LABEL + key: value for key, value in marks.labels.items()}
    if marks.priority is not None:
        found[PRIORITY] = str(marks.priority) if marks.priority else ""
    if marks.title is not None:
        if len(marks.title) > MAX_TITLE_CHARS or not marks.title.isprintable():
            most = quantities.counted(MAX_TITLE_CHARS, "character")
            raise InputError(
                f"a title is one line of at most {most}",
                hint=f"uwf thread set {id} --title 'a few words'",
            )
        found[TITLE] = marks.title
    if marks.place is not None:
        found[PLACE] = checked(marks.place, f"uwf thread set {id}") if marks.place else ""
    return found


def _said(key: str, value: str) -> str:
    what = f"label {key.removeprefix(LABEL)}" if key.startswith(LABEL) else key
    return f"{what}={value}" if value else f"no {what}"
