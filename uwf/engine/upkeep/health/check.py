"""What a check is: it finds what is wrong, and may put it right. What it has found it looks for again afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import ClassVar

    from uwf.config.records import Config
    from uwf.engine.run.context import RunContext
    from uwf.store.protocols import Store

NOW, SOON, LATER = "P0", "P1", "P2"
"""How urgent what a check finds is to a person: the levels of alerts."""


class Finding(Record):
    """One thing that is wrong. `kind` is the name of the check that found it, or "entry"; `subject` tells it from
    others of its kind: a thread, a file, a counter. `hint` is the command that helps where `uwf doctor --repair` does
    not.

    What `is_note` is worth knowing, and heals by itself: nothing is to be put right.
    """

    kind: str
    thread: str | None
    what: str
    repaired: bool
    hint: str | None = None
    subject: str = ""
    level: str = SOON
    is_note: bool = False


class Ground(Record):
    """What checks look at. `opened` is the store of the home; None where it has none. `load_run` gives what a run has
    of a home with a store, `environ` the environment of this process.

    `load_config` reads the settings anew; both raise `ConfigInvalid`. With `may_write` a check may note how far it has
    come. `unfit` gives what the homes lack whose workers take nothing, by their machines.
    """

    home: str
    opened: Store | None
    load_run: Callable[[], RunContext]
    load_config: Callable[[], Config]
    environ: Mapping[str, str]
    log: Callable[..., None]
    may_write: bool
    unfit: Callable[[], Mapping[str, str]] = dict

    @property
    def run(self) -> RunContext:
        """What a run has. A check that asks for it is not made where the configuration is not valid."""
        return self.load_run()

    @property
    def store(self) -> Store:
        """The store, for checks that need one."""
        assert self.opened is not None, "such a check is not made where there is no store"
        return self.opened


class Check(ABC):
    """One check of a home. It is made anew for each examination.

    `every_s` is how often a daemon makes it, `level` how urgent what it finds is.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    """What it looks for, in a few words."""
    level: ClassVar[str] = SOON
    every_s: ClassVar[float] = 300.0
    is_note: ClassVar[bool] = False
    is_slow: ClassVar[bool] = False
    """A daemon makes it in a process of its own."""
    needs_store: ClassVar[bool] = True
    is_told_by_others: ClassVar[bool] = False
    """A daemon tells of it where it happens, and need not look for it here."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    @abstractmethod
    def detect(self) -> list[Finding]:
        """What is wrong now. Bounded, whatever the size of the home."""

    def repair(self, finding: Finding) -> None:  # noqa: B027  # some can only be told
        """Put it right. Safe to repeat, and when it is right meanwhile. Raises `UwfError` that says why it cannot."""

    @classmethod
    def can_repair(cls) -> bool:
        return cls.repair is not Check.repair

    def found(
        self,
        subject: str,
        what: str,
        *,
        thread: str | None = None,
        hint: str | None = None,
        is_note: bool = False,
    ) -> Finding:
        """A finding of this check."""
        is_note = is_note or self.is_note
        return Finding(self.name, thread, what, False, hint, subject, self.level, is_note)

    def tell_repair(self, before: Finding, after: Finding) -> None:
        """Put a repair on record."""
        self._ground.log(
            "repair",
            thread=before.thread,
            check=self.name,
            subject=before.subject,
            before=before.what,
            after="it is not found any more" if after.repaired else after.what,
            repaired=after.repaired,
        )
