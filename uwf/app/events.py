"""What a front door that runs threads makes and asks for: a way to stop, and the events of a run."""

from __future__ import annotations

from uwf.agent.stop import Stop as Stop
from uwf.engine.events import BudgetUnseen as BudgetUnseen
from uwf.engine.events import NotTakenIn as NotTakenIn
from uwf.engine.events import Recovered as Recovered
from uwf.engine.events import ReplyRejected as ReplyRejected
from uwf.engine.events import Retrying as Retrying
from uwf.engine.events import StepStarted as StepStarted
from uwf.engine.events import TakenIn as TakenIn
from uwf.engine.events import TaskDispatched as TaskDispatched
from uwf.engine.events import Turn as Turn
from uwf.engine.events import UsageLeftOut as UsageLeftOut
from uwf.engine.events import Waiting as Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.events import Event as Event
