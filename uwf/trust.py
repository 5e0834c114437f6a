"""How far whoever says something is trusted: one list for words, events, triggers and where events come from."""

from __future__ import annotations

OWNER = "owner"  # the person of this home
COLLABORATOR = "collaborator"  # one who may decide
BOT = "bot"
STRANGER = "stranger"
TRUSTS = (OWNER, COLLABORATOR, BOT, STRANGER)
