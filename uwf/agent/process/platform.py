"""What the operating system knows about processes. The one place for what only Linux has.

| question                               | Linux                                | elsewhere                         |
|----------------------------------------|--------------------------------------|-----------------------------------|
| is this pid still that process         | /proc/PID/stat start time, boot id   | `ps -o lstart=`, one second exact |
| end the child when its parent dies     | PR_SET_PDEATHSIG                     | nothing; recovery ends it later   |
| the parent of orphaned descendants     | PR_SET_CHILD_SUBREAPER: this program | init; found by group and mark     |
| wake up when a process ends            | pidfd                                | ask every few milliseconds        |
| signal a process, not just its number  | pidfd_send_signal                    | compare the start time, then kill |
| keep the number of an ended child ours | waitid(WNOWAIT)                      | reaped at once                    |
| which processes carry this mark        | /proc/PID/environ                    | `ps -E`                           |
| also with a wiped environment          | a memfd of that name, in /proc/PID/fd | nothing; such a stray is missed   |
| has the kernel killed for memory       | cgroup memory.events, /proc/vmstat   | not known                         |

Deciding which processes belong to a run is left to `tree`, ending them to `terminate`.
"""

from __future__ import annotations

import os
import sys

from uwf.record import Record
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signal
    from collections.abc import Callable, Iterable, Iterator
else:
    try:
        # The C module itself: `signal` wraps it in enums, whose import costs more than starting a process.
        import _signal as signal
    except ImportError:
        import signal

SIGTERM, SIGKILL = 15, 9  # the same numbers everywhere
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h

_LINUX = sys.platform == "linux"
_PROC = _LINUX and os.path.exists("/proc/self/stat")
can_peek = hasattr(os, "waitid")  # see `has_ended`
maxrss_unit_bytes = 1 if sys.platform == "darwin" else 1024  # of getrusage(2)


class Process(Record):
    """One line of the process table. `started` is as in `start_time`; a zombie has ended and was not reaped yet."""

    pid: int
    parent: int
    group: int
    session: int
    started: str
    is_zombie: bool

    @property
    def owner(self) -> Owner:
        """The process, whatever becomes of its number."""
        return Owner(self.pid, self.started)


def look(pid: int) -> Process | None:
    """What the process table says about `pid`, or None when there is no such process."""
    if not _PROC:
        return next(_ps("-p", str(pid)), None)
    try:
        data = _read(f"/proc/{pid}/stat")
    except OSError:
        return None
    # "pid (name) state parent group session ..."; the name may hold anything, even ") Z 1".
    fields = data[data.rindex(b")") + 2 :].split()
    # A main thread that ended before its siblings reads Z too, but the siblings are counted: proc(5), field 20.
    is_zombie = fields[0] in (b"Z", b"X") and int(fields[17]) <= 1
    started = f"{_where()}:{fields[19].decode()}"
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), started, is_zombie)


def start_time(pid: int) -> str | None:
    """An opaque stamp of when `pid` began, and in which pid namespace. With the pid it names one process, over reboots
    and containers too. None: no such pid.
    """
    process = look(pid)
    return process.started if process else None


def this_process() -> Owner:
    """This process, as what it holds names it."""
    return Owner(os.getpid(), start_time(os.getpid()) or "")


def is_alive(owner: Owner) -> bool:
    """Whether this process of this machine still lives. A zombie does not, nor does another that got its number."""
    process = look(owner.pid)
    return process is not None and process.started == owner.started and not process.is_zombie


def where(owner: Owner) -> str:
    """The boot and the pid namespace that a process is of; "" where that is not known, or the system has no such."""
    return owner.started.partition(":")[0] if _PROC else ""


def is_seen(owner: Owner) -> bool:
    """Whether a process is of this boot and this pid namespace, or that is not known: of any other its pid says
    nothing, also where a machine or a container has the same name.
    """
    return where(owner) in ("", _where())


def may_live(owner: Owner) -> bool:
    """Whether a process lives, or cannot be seen from here."""
    return not is_seen(owner) or is_alive(owner)


def is_older(process: Process, started: str) -> bool:
    """Whether `process` certainly began before one that began at `started`."""
    boot, _, ticks = started.partition(":")
    own_boot, _, own_ticks = process.started.partition(":")
    return _PROC and boot == own_boot and int(own_ticks) < int(ticks)


def processes() -> list[Process]:
    """The whole process table. Costs some 20 microseconds a process."""
    if not _PROC:
        return list(_ps("-A"))
    found = (look(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return [process for process in found if process is not None]


def children(pid: int) -> list[int]:
    """The direct children of `pid`, zombies included.

    May miss some while others of them are being reaped, which only their parent does.
    """
    if not _PROC or not os.path.exists("/proc/thread-self/children"):
        return [process.pid for process in processes() if process.parent == pid]
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    except OSError:
        return found  # the process, or one of its threads, ended meanwhile
    return found


def own_children() -> list[int]:
    """`children` of this program, as long as it `is_alone`. Costs one small read."""
    try:
        return [*map(int, _read("/proc/thread-self/children").split())]
    except OSError:
        return children(os.getpid())


def carriers(candidates: Iterable[Process], mark: bytes) -> set[int]:
    """Which of these were executed with the setting `mark`, such as b"UWF_RUN=x", in their environment."""
    found = set()
    if _PROC:
        for process in candidates:
            try:
                settings = _read(f"/proc/{process.pid}/environ").split(b"\0")
            except OSError:
                continue  # ended, or not ours to read
            if mark in settings:
                found.add(process.pid)
        return found
    pids = {process.pid for process in candidates}
    options = ("-A", "-E") if sys.platform == "darwin" else ("axe",)
    for line in _run_ps(*options, "-ww", "-o", "pid=,command="):
        pid, *words = line.split()
        if mark in words and int(pid) in pids:
            found.add(int(pid))
    return found


def settings(
    candidates: Iterable[Process], names: tuple[bytes, ...]
) -> Iterator[tuple[Process, tuple[bytes, ...]]]:
    """Those that were executed with all of the settings `names`, and their values. Only Linux tells."""
    for process in candidates if _PROC else ():
        try:
            lines = _read(f"/proc/{process.pid}/environ").split(b"\0")
        except OSError:
            continue  # ended, or not ours to read
        found = dict(line.partition(b"=")[::2] for line in lines)
        if all(name in found for name in names):
            yield process, tuple(found[name] for name in names)


def age_s(process: Process) -> float:
    """For how long a process lives; 0 where that is not known."""
    if not _PROC:
        return 0.0
    uptime_s = float(_read("/proc/uptime").split()[0])
    return uptime_s - int(process.started.partition(":")[2]) / os.sysconf("SC_CLK_TCK")


def token(name: bytes) -> tuple[int, ...]:
    """A descriptor by which a process that inherits it is known, whatever becomes of its environment: see `holders`.

    The caller closes it. None where there is no such thing.
    """
    if not hasattr(os, "memfd_create"):
        return ()
    try:
        return (os.memfd_create(name.decode(), os.MFD_CLOEXEC),)
    except OSError:
        return ()  # an old kernel or a sandbox: then the mark in the environment has to do


def holders(candidates: Iterable[Process], name: bytes) -> set[int]:
    """Which of these hold the `token` of this name."""
    link, found = f"/memfd:{name.decode()} (deleted)", set[int]()
    if not _PROC:
        return found
    for process in candidates:
        folder = f"/proc/{process.pid}/fd"
        try:
            numbers = os.listdir(folder)
        except OSError:
            continue  # it is gone, or not ours to look at
        if any(_leads_to(f"{folder}/{number}", link) for number in numbers):
            found.add(process.pid)
    return found


def send(owner: Owner, signum: int) -> bool:
    """Signal exactly this process. Nothing happens when it is gone, or its pid belongs to another one now.

    False when it is another user's, and may not be signalled.
    """
    handle = pidfd(owner.pid)
    try:
        # While the handle is open it means one process, so the look and the signal cannot be about two.
        if start_time(owner.pid) != owner.started:
            return True
        if handle is None:
            os.kill(owner.pid, signum)
        else:
            signal.pidfd_send_signal(handle, signum)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # then it is named as a survivor
    finally:
        if handle is not None:
            os.close(handle)
    return True


def pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when `pid` ends. None where there is no such thing."""
    if not _LINUX:
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None  # an old kernel, a sandbox, or no such process


def has_ended(pid: int) -> bool:
    """Whether our child `pid` has ended. It stays a zombie, so its number stays taken. Only where `can_peek`."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def is_alone() -> bool:
    """Whether this process certainly has one thread only, so that nothing else in it is starting children."""
    return _PROC and len(os.listdir("/proc/self/task")) == 1


def die_with_parent() -> Callable[[], bool]:
    """A function for a fresh child to call. It asks for SIGKILL at the end of the *thread* that forked the child.

    Made in the parent, so that the child has nothing to import. It answers False when the parent is gone already.
    It is SIGKILL, not SIGTERM: a dead `uwf` could not follow up on an agent that does not listen.
    """
    parent, prctl = os.getpid(), _prctl()

    def ask() -> bool:
        prctl(_SET_PDEATHSIG, SIGKILL)
        return os.getppid() == parent

    return ask


def set_subreaper(on: bool) -> None:
    """Begin (or end) to be the parent of our orphaned descendants."""
    global _is_subreaper
    _is_subreaper = _prctl()(_SET_CHILD_SUBREAPER, int(on)) == 0 and on


def is_subreaper() -> bool:
    """Whether we are the parent of our orphaned descendants."""
    return _is_subreaper


_is_subreaper = False
_prctl_found: list[Callable[[int, int], int]] = []


def memory_bytes() -> int | None:
    """All the memory that programs here can have: the machine's, or less where a control group says so."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
    try:
        return min(total, int(_read("/sys/fs/cgroup/memory.max")))
    except (OSError, ValueError):  # no control group, or one whose limit reads `max`
        return total


def oom_kills() -> int | None:
    """How many processes the kernel has killed because memory ran out; None where that is not known."""
    for path in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        try:
            lines = _read(path).split(b"\n")
        except OSError:
            continue
        for line in lines:
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    return None


def _prctl() -> Callable[[int, int], int]:
    """prctl(2) with one small number as its argument; what it returns. -1 where there is none."""
    if not _prctl_found:
        _prctl_found.append(_load_prctl() if _LINUX else lambda _option, _argument: -1)
    return _prctl_found[0]


def _load_prctl() -> Callable[[int, int], int]:
    try:
        # The C module itself: the types that `ctypes` wraps around it take a fifth of the time to start an agent.
        from _ctypes import call_cdeclfunction, dlopen, dlsym
    except ImportError:
        import ctypes

        function = ctypes.CDLL(None).prctl
        return lambda option, argument: int(function(option, argument, 0, 0, 0))
    program = dlopen(None, 0)  # type: ignore[arg-type]  # NULL: this program and what it is linked with
    address = dlsym(program, "prctl")
    return lambda option, argument: int(call_cdeclfunction(address, (option, argument, 0, 0, 0)))


def _leads_to(path: str, target: str) -> bool:
    try:
        return os.readlink(path) == target
    except OSError:
        return False  # the descriptor was closed meanwhile


def _read(path: str) -> bytes:
    """A file of /proc. These have no size, and a read may end early only at the end."""
    handle = os.open(path, os.O_RDONLY)
    try:
        data = os.read(handle, 1 << 16)
        while chunk := os.read(handle, 1 << 16):
            data += chunk
        return data
    finally:
        os.close(handle)


_own: list[str] = []
_FIRST_NAMESPACE = 0xEFFFFFFC
"""PROC_PID_INIT_INO, linux/proc_ns.h: of a machine itself. That of a container has another number."""


def _where() -> str:
    """This boot, and the pid namespace where it is not the machine's own: `BOOT` or `BOOT.NUMBER`."""
    if not _own:
        try:
            boot = _read("/proc/sys/kernel/random/boot_id").decode().strip()
            namespace = os.stat("/proc/self/ns/pid").st_ino
        except OSError:
            boot, namespace = "", _FIRST_NAMESPACE
        _own.append(boot if namespace == _FIRST_NAMESPACE else f"{boot}.{namespace}")
    return _own[0]


def _ps(*which: str) -> Iterator[Process]:
    """The process table as `ps` prints it, the same on macOS, the BSDs and Linux."""
    for line in _run_ps("-o", "pid=,ppid=,pgid=,stat=,lstart=", *which):
        pid, parent, group, state, start = line.decode().split(None, 4)
        try:
            session = os.getsid(int(pid))
        except OSError:
            session = 0
        started = " ".join(start.split())
        yield Process(int(pid), int(parent), int(group), session, started, state.startswith("Z"))


def _run_ps(*arguments: str) -> list[bytes]:
    import subprocess

    environment = {**os.environ, "LC_ALL": "C"}
    result = subprocess.run(["ps", *arguments], capture_output=True, env=environment, check=False)
    return result.stdout.splitlines()
