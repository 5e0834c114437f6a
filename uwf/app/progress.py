"""What a front door that runs threads makes and asks for: a way to stop, and the progress of a run."""

from __future__ import annotations

from uwf.agent.stop import Stop as Stop
from uwf.engine.progress import BudgetUnseen as BudgetUnseen
from uwf.engine.progress import CheckInNoted as CheckInNoted
from uwf.engine.progress import CodeNotPushed as CodeNotPushed
from uwf.engine.progress import CodeStays as CodeStays
from uwf.engine.progress import FilesLeftOut as FilesLeftOut
from uwf.engine.progress import FilesNotKept as FilesNotKept
from uwf.engine.progress import NoProgress as NoProgress
from uwf.engine.progress import NotDue as NotDue
from uwf.engine.progress import NotTakenIn as NotTakenIn
from uwf.engine.progress import Recovered as Recovered
from uwf.engine.progress import ReplyRejected as ReplyRejected
from uwf.engine.progress import Retrying as Retrying
from uwf.engine.progress import RunsElsewhere as RunsElsewhere
from uwf.engine.progress import StepStarted as StepStarted
from uwf.engine.progress import TakenIn as TakenIn
from uwf.engine.progress import TaskDispatched as TaskDispatched
from uwf.engine.progress import Turn as Turn
from uwf.engine.progress import UsageLeftOut as UsageLeftOut
from uwf.engine.progress import Used as Used
from uwf.engine.progress import Waiting as Waiting
from uwf.engine.progress import WorktreeMade as WorktreeMade
from uwf.engine.progress import WorktreeReplaced as WorktreeReplaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.progress import Progress as Progress
