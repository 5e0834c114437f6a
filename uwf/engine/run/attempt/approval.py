"""What a person has answered to the last question of an agent: a yes to exactly the bytes that were asked about.

    the attempt ends with the question      its hash, and for how long a yes to it is good, stand in its end
    a person says `yes`, or `yes HASH`      a word, like any other
    the next attempt may use it once        that it has is on the disk before the agent is told

Anything else that a person says is a no. What is no word of the one who types the commands, what was said before the
question, and a yes that is too old, answer nothing.
"""

from __future__ import annotations

from uwf.agent import APPROVAL
from uwf.agent.protocol import HASH_CHARS, Answered
from uwf.engine.chain import sessions
from uwf.engine.chain.attempt import ended_attempts
from uwf.engine.chain.nodes import ClientFacts, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.word import Word
    from uwf.store.protocols import Counters

YES, NO = "yes", "no"


def answer(nodes: Nodes, counters: Counters, last: str, plan: Plan, agent: str) -> Answered | None:
    """The answer that an attempt of `agent` at `plan` may act on, before which the one that ended at `last` has failed.

    Another agent was not answered: what it would do with the same bytes was not asked. Nor is a question that came in
    with a file: its words may be about something else than its hash.
    """
    for id in reversed(ended_attempts(nodes, last)):
        end = nodes.get(id).payload
        facts = ClientFacts.of(end)
        begun = nodes.get(end["begun"]).payload
        asked = Plan.from_payload(nodes, begun["plan"])
        if facts.permitted is not None or asked.role != plan.role or begun["agent"] != agent:
            return None
        if end["error"]["code"] == APPROVAL and facts.asks is not None:
            if sessions.is_foreign(counters, id):
                return None
            said = [word for word in plan.told if word not in asked.told]
            said = [word for word in said if _counts(word) and word.at_ms >= end["endedAt"]]
            if not said:
                return None
            hash, lasts_ms = facts.asks["hash"], facts.asks["lasts"]
            is_yes = says_yes(said[-1].text, hash)
            return Answered(hash, said[-1].at_ms + lasts_ms if is_yes else None)
    return None


def says_yes(text: str, hash: str) -> bool:
    """Whether `text` is a yes to what has this hash, and to nothing else."""
    first, *more = text.strip().lower().split() or [""]
    if first != YES or len(more) > 1:
        return False
    return not more or (len(more[0]) >= HASH_CHARS and hash.startswith(more[0]))


def yes_to(hash: str) -> str:
    """What a person types who has read the question with this hash."""
    return f"{YES} {hash[:HASH_CHARS]}"


def _counts(word: Word) -> bool:
    """Whether the one who types the commands has said it."""
    return word.is_own and word.event is None
