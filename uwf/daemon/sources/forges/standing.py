"""How far somebody who wrote on a forge is trusted: by what the forge says of them, and by the lists of the source."""

from __future__ import annotations

from uwf.record import Record
from uwf.trust import BOT, COLLABORATOR, OWNER, STRANGER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_OF_GITHUB: Mapping[str, str] = {
    "OWNER": OWNER,
    "MEMBER": COLLABORATOR,
    "COLLABORATOR": COLLABORATOR,
}
"""`author_association`. Who contributed before is a stranger all the same: one merged typo gives nobody a say."""


class Standing(Record):
    """Whom a source knows by name, whatever the forge says. `owner` is the account that has the repository."""

    owner: str = ""
    owners: tuple[str, ...] = ()
    collaborators: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()

    def of(
        self,
        login: str,
        *,
        association: str = "",
        is_bot: bool = False,
        is_official: bool = False,
    ) -> str:
        """The trust in `login`. The same person has the same, whichever way the words come: GitHub's `association`
        and Gitea's `official` reviews only add to the lists.
        """
        known = {
            **dict.fromkeys(map(str.lower, self.bots), BOT),
            **dict.fromkeys(map(str.lower, self.collaborators), COLLABORATOR),
            **dict.fromkeys(map(str.lower, self.owners), OWNER),
        }
        name = login.lower()
        if name in known:
            return known[name]
        if is_bot or name.endswith("[bot]"):
            return BOT
        if name and name == self.owner.lower():
            return OWNER
        found = _OF_GITHUB.get(association)
        return found or (COLLABORATOR if is_official else STRANGER)
