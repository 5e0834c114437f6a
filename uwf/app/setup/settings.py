"""The settings of a home: what `config.toml` says, and changing it with its comments kept."""

from __future__ import annotations

from uwf.config import edit, keys
from uwf.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.app.opened import OpenHome
    from uwf.config.edit import Setting
    from uwf.config.records import Config
    from uwf.config_table import Path


class Settings:
    """What `app.settings` can do. A key is written `limits.grace` or `agents.NAME.command`."""

    def __init__(self, home: OpenHome) -> None:
        self._app, self._home = home, home.home

    def all(self, below: str | None = None) -> list[Setting]:
        """Every setting, or those of one table; none for a known key that is not set. Raises `ConfigInvalid`."""
        found = edit.settings(self._home)
        if below is None:
            return found
        path = keys.split(below)
        found = _below(found, path)
        if not found and not keys.is_table(path) and keys.find(path) is None:
            raise _unknown(path, "list")
        return found

    def get(self, key: str) -> Setting | list[Setting]:
        """One setting, or all of a table. Raises `ConfigInvalid` for what is not known or not set."""
        path = keys.split(key)
        name = keys.dotted(path)
        below = _below(edit.settings(self._home), path)
        if not below and keys.is_table(path):
            raise ConfigInvalid(
                f"nothing is set below {name}", hint=f"uwf config list {keys.dotted(path[:1])}"
            )
        if not below and keys.find(path) is not None:
            raise ConfigInvalid(f"{name} is not set", hint=f"uwf config set {name} VALUE")
        if not below:
            raise _unknown(path, "get")
        return below[0] if below[0].key == name else below

    def set(self, key: str, value: str) -> str:
        """Change one setting; its key as it is written. Raises `ConfigInvalid` for what is not allowed."""
        path = keys.split(key)
        name = keys.dotted(path)
        if keys.is_table(path):
            raise ConfigInvalid(f"{name} is a table, not a value", hint=f"uwf config list {name}")
        if keys.find(path) is None:
            raise _unknown(path, "set", value)
        edit.set_value(
            self._home, key, value, lambda found: self._refuse_what_is_not_there(path, found)
        )
        self._try_again(path)
        return name

    def set_all(self, texts: Mapping[str, str]) -> None:
        """Change several settings at once: all of them, or none. Raises `ConfigInvalid`."""
        edit.set_values(self._home, texts)
        self._app.reload_config()

    def _refuse_what_is_not_there(self, path: Path, found: Config) -> None:
        """A trigger or a schedule whose key at `path` is changed names a workflow or a thread that is there."""
        if path[-1] not in ("start", "thread", "cwd"):
            return
        from uwf.app.unattended import references
        from uwf.config.schedules import Schedule
        from uwf.workflow.trigger import Trigger

        why: str | None = None
        for trigger in found.elements(Trigger):
            if path[:-1] == ("triggers", trigger.name) and (
                wrong := references.of_trigger(self._app, trigger)
            ):
                why = wrong[1]
        for schedule in found.elements(Schedule):
            if path[:-1] == ("schedules", schedule.name) and schedule.start:
                why = references.of_workflow(self._app, schedule.start, schedule.cwd)
        if why is not None:
            hint = "uwf thread list --all" if path[-1] == "thread" else "uwf workflow list"
            raise ConfigInvalid(f"{keys.dotted(path)}: {why}", hint=hint)

    def _try_again(self, path: Path) -> None:
        """With another budget of a day, what that of before has put off is due now. A store that cannot be written
        keeps nobody from the settings: it is tried again when the day is over.
        """
        if path[:2] not in (("budget",), ("budget", "day")):
            return
        from contextlib import suppress

        from uwf.engine.actions import timer
        from uwf.errors import UwfError
        from uwf.guard.spending.budget import WHO_HAS

        with suppress(UwfError):
            timer.lifted(self._app.store(), lambda _, why: why.startswith(tuple(WHO_HAS.values())))
            self._app.poke_daemon()

    def unset(self, key: str) -> str:
        """Take one setting, or all of a table, out of the file; the key as it is written. Defaults count again."""
        path = keys.split(key)
        if keys.find(path) is None and not keys.is_table(path):
            raise _unknown(path, "unset")
        edit.unset(self._home, path)
        self._try_again(path)
        return keys.dotted(path)


def _below(settings: list[Setting], path: Path) -> list[Setting]:
    return [each for each in settings if keys.split(each.key)[: len(path)] == path]


def _unknown(path: Path, verb: str, *more: str) -> ConfigInvalid:
    """The error for a key that is not known; its hint is the command again with the one that was meant."""
    import shlex

    error, meant = keys.unknown(path), keys.nearest(path)
    if meant is not None:
        error.hint = shlex.join(("uwf", "config", verb, meant, *more))
    return error
