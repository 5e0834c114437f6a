"""The values that `App` answers with, for a front door to name to a type checker; those of a run are in `progress`.

They are made where they are described. Nothing needs to import this to run, which would load most of the engine.
"""

from __future__ import annotations

from uwf.app.objects import Unreached as Unreached
from uwf.app.overview import Overview as Overview
from uwf.app.setup.agents import AgentCheck as AgentCheck
from uwf.app.setup.agents import FoundClient as FoundClient
from uwf.app.thread.acts import Forked as Forked
from uwf.app.thread.acts import StopReport as StopReport
from uwf.app.thread.acts import Told as Told
from uwf.app.thread.acts import Undone as Undone
from uwf.app.unattended.events import EventList as EventList
from uwf.app.unattended.events import Sent as Sent
from uwf.app.unattended.events import TriggerList as TriggerList
from uwf.app.unattended.events import TriggerRow as TriggerRow
from uwf.app.unattended.sources import SourceView as SourceView
from uwf.app.upkeep.health import CheckView as CheckView
from uwf.config.absences import Absence as Absence
from uwf.config.edit import Setting as Setting
from uwf.config.records import AlertConfig as AlertConfig
from uwf.config.sources import Source as Source
from uwf.engine.actions.rehearsal import Rehearsal as Rehearsal
from uwf.engine.actions.rehearsal import RehearsedStep as RehearsedStep
from uwf.engine.actions.transfer import Imported as Imported
from uwf.engine.actions.trial import Trial as Trial
from uwf.engine.events.views import DecisionStep as DecisionStep
from uwf.engine.events.views import DecisionView as DecisionView
from uwf.engine.events.views import EventPage as EventPage
from uwf.engine.events.views import EventRow as EventRow
from uwf.engine.query.follow import Following as Following
from uwf.engine.query.follow import Glance as Glance
from uwf.engine.query.home.audit import Promise as Promise
from uwf.engine.query.home.costs import Cost as Cost
from uwf.engine.query.home.costs import Costs as Costs
from uwf.engine.query.home.digest import Digest as Digest
from uwf.engine.query.home.digest import ThreadDone as ThreadDone
from uwf.engine.query.home.due import DueThreads as DueThreads
from uwf.engine.query.home.due import UnreadableTimer as UnreadableTimer
from uwf.engine.query.home.due import Waits as Waits
from uwf.engine.query.home.guard_status import GuardStatus as GuardStatus
from uwf.engine.query.home.guard_status import QueueRow as QueueRow
from uwf.engine.query.home.guard_status import StatsRow as StatsRow
from uwf.engine.query.home.inbox import BrokenItem as BrokenItem
from uwf.engine.query.home.inbox import Inbox as Inbox
from uwf.engine.query.home.inbox import InboxItem as InboxItem
from uwf.engine.query.home.urgency import DueThread as DueThread
from uwf.engine.query.listing import Listing as Listing
from uwf.engine.query.refs import RefMove as RefMove
from uwf.engine.query.refs import RefView as RefView
from uwf.engine.query.refs import ThreadMove as ThreadMove
from uwf.engine.query.steps.diff import Comparison as Comparison
from uwf.engine.query.steps.failures import FailureView as FailureView
from uwf.engine.query.steps.markdown import Page as Page
from uwf.engine.query.steps.path import Path as Path
from uwf.engine.query.steps.steps import AttemptPage as AttemptPage
from uwf.engine.query.steps.steps import AttemptView as AttemptView
from uwf.engine.query.steps.steps import StepPage as StepPage
from uwf.engine.query.steps.steps import StepRow as StepRow
from uwf.engine.query.steps.turns import TurnRow as TurnRow
from uwf.engine.query.steps.turns import TurnView as TurnView
from uwf.engine.query.thread_view import RunningView as RunningView
from uwf.engine.query.thread_view import RunView as RunView
from uwf.engine.query.thread_view import ThreadView as ThreadView
from uwf.engine.query.thread_view import WordView as WordView
from uwf.engine.query.workflows import ListedWorkflow as ListedWorkflow
from uwf.engine.query.workflows import StoredWorkflow as StoredWorkflow
from uwf.engine.schedules.alarms import Alarm as Alarm
from uwf.engine.schedules.view import OccurrenceView as OccurrenceView
from uwf.engine.schedules.view import ScheduleView as ScheduleView
from uwf.engine.schedules.view import Upcoming as Upcoming
from uwf.engine.sources.state import Delivered as Delivered
from uwf.engine.sources.state import SourceState as SourceState
from uwf.engine.upkeep.alerts import Alert as Alert
from uwf.engine.upkeep.figures import FiguresNow as FiguresNow
from uwf.engine.upkeep.figures import PeriodFigures as PeriodFigures
from uwf.engine.upkeep.health.check import Finding as Finding
from uwf.engine.upkeep.log.search import LogLine as LogLine
from uwf.guard.contract import StatusLine as StatusLine
from uwf.store.owner import Owner as Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.thread.code import CodeDiff as CodeDiff
    from uwf.app.thread.worktrees import WorktreeRow as WorktreeRow
    from uwf.engine.actions.merge import BroughtIn as BroughtIn
    from uwf.engine.actions.removal import Removal as Removal
    from uwf.workflow.problem import WorkflowProblem as WorkflowProblem
