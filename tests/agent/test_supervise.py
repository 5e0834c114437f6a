"""One program under supervision: what comes in, what comes out, and what the outcome says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.agent.supervised import AGENTS, Supervised, linux_only
from uwf.agent.process import platform, pump, spawn

MIB = 1 << 20


def test_reply_of_an_agent_that_ends_well_is_kept(supervised: Supervised) -> None:
    outcome = supervised(AGENTS / "reply.sh", stdin=b"do it")
    assert (outcome.ended, outcome.exit_code, outcome.signal) == ("exit", 0, None)
    assert outcome.stdout == b"---\n$status: done\n---\n\nRead and done.\n"
    assert b"".join(supervised.output) == outcome.stdout
    assert outcome.stdout_bytes == len(outcome.stdout)
    assert (outcome.escalation, outcome.survivors, outcome.error) == ("", (), "")
    assert outcome.duration_ms < 10_000


def test_what_is_done_meanwhile_begins_once_the_program_has_its_input(
    supervised: Supervised, tmp_path: Path
) -> None:
    seen, told = tmp_path / "seen", []

    def look() -> None:
        told.extend(supervised.started)
        until_s = time.monotonic() + 10
        while not seen.exists() or not seen.read_bytes():
            assert time.monotonic() < until_s, "the program does not run meanwhile"
            time.sleep(0.005)

    outcome = supervised("sh", "-c", f"cat > {seen}", stdin=b"do it", meanwhile=look)
    assert (outcome.ended, seen.read_bytes(), told) == ("exit", b"do it", supervised.started)


def test_what_fails_meanwhile_ends_the_program(supervised: Supervised) -> None:
    def fail() -> None:
        raise KeyError("meanwhile")

    with pytest.raises(KeyError, match="meanwhile"):
        supervised("sleep", "60", meanwhile=fail)
    assert not platform.is_alive(supervised.started[0])


def test_exit_code_and_stderr_of_a_failing_agent_are_kept(supervised: Supervised) -> None:
    outcome = supervised(AGENTS / "crash.sh", "7")
    assert (outcome.ended, outcome.exit_code) == ("exit", 7)
    assert (outcome.stdout, outcome.stderr) == (b"I was about to\n", b"cannot go on\n")
    assert outcome.stderr_bytes == len(outcome.stderr)


def test_signal_that_came_from_elsewhere_is_named(supervised: Supervised) -> None:
    outcome = supervised(AGENTS / "crash.sh", "-KILL")
    assert (outcome.ended, outcome.exit_code, outcome.signal) == ("signal", None, signal.SIGKILL)
    assert outcome.escalation == ""


def test_prompt_larger_than_a_pipe_arrives_whole(supervised: Supervised) -> None:
    prompt = os.urandom(3 * MIB)
    assert supervised("cat", stdin=prompt).stdout == prompt


def test_agent_need_not_read_its_prompt(supervised: Supervised) -> None:
    outcome = supervised("echo", "no need", stdin=b"x" * 5 * MIB)
    assert (outcome.ended, outcome.exit_code, outcome.stdout) == ("exit", 0, b"no need\n")


def test_stdin_ends_after_the_prompt_and_is_no_terminal(supervised: Supervised) -> None:
    script = "cat; [ -t 0 ] || echo no terminal; read more || echo the end"
    outcome = supervised("sh", "-c", script, stdin=b"prompt\n")
    assert outcome.stdout == b"prompt\nno terminal\nthe end\n"


def test_huge_reply_is_spooled_and_comes_back_whole(supervised: Supervised) -> None:
    outcome = supervised(sys.executable, "-S", AGENTS / "flood.py", 50 * MIB)
    assert outcome.stdout == b"0123456789abcdef" * (50 * MIB // 16)
    assert sum(map(len, supervised.output)) == 50 * MIB


def test_only_the_end_of_stderr_is_kept_and_all_of_it_counted(supervised: Supervised) -> None:
    script = "yes 'some words' | head -c 3000000 >&2; echo the end >&2"
    outcome = supervised("sh", "-c", script)
    assert outcome.stderr.endswith(b"the end\n")
    assert len(outcome.stderr) == pump.TAIL_BYTES
    assert outcome.stderr_bytes == 3_000_000 + len("the end\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_flood_is_ended_at_the_limit(supervised: Supervised, stream: str) -> None:
    flood = (sys.executable, "-S", AGENTS / "flood.py", "inf", stream)
    outcome = supervised(*flood, output_limit_bytes=2 * MIB)
    assert (outcome.ended, outcome.escalation) == ("output_limit", "term")
    assert len(outcome.stdout) == (2 * MIB if stream == "stdout" else 0)


def test_reply_of_exactly_the_limit_is_no_flood(supervised: Supervised) -> None:
    flood = (sys.executable, "-S", AGENTS / "flood.py")
    assert supervised(*flood, 100_000, output_limit_bytes=100_000).ended == "exit"
    assert supervised(*flood, 100_001, output_limit_bytes=100_000).ended == "output_limit"


def test_closed_stdout_is_not_the_end(supervised: Supervised) -> None:
    outcome = supervised("sh", "-c", "echo first; exec >&- 2>&-; sleep 0.1; exit 3")
    assert (outcome.ended, outcome.exit_code, outcome.stdout) == ("exit", 3, b"first\n")


def test_timeout_ends_the_agent_and_keeps_what_it_said(supervised: Supervised) -> None:
    outcome = supervised(AGENTS / "bursts.sh", "5", "half of it", timeout_s=0.5)
    assert (outcome.ended, outcome.signal, outcome.escalation) == (
        "timeout",
        signal.SIGTERM,
        "term",
    )
    assert outcome.stdout == b"half of it"
    assert 500 <= outcome.duration_ms < 4000


def test_first_cause_stands_when_the_agent_then_exits_well(supervised: Supervised) -> None:
    outcome = supervised(AGENTS / "polite.sh", timeout_s=0.5)
    assert (outcome.ended, outcome.exit_code, outcome.escalation) == ("timeout", 0, "term")
    assert outcome.stdout == b"at work\ngood-bye\n"


def test_silence_is_a_stall(supervised: Supervised) -> None:
    outcome = supervised("sh", "-c", "echo begin; sleep 50", stall_timeout_s=0.4)
    assert (outcome.ended, outcome.stdout) == ("stall", b"begin\n")


@pytest.mark.parametrize("stream", ["1", "2"])
def test_output_on_either_stream_is_no_stall(supervised: Supervised, stream: str) -> None:
    script = f"for i in 1 2 3 4 5 6; do echo $i >&{stream}; sleep 0.2; done"
    assert supervised("sh", "-c", script, stall_timeout_s=0.8).ended == "exit"


def test_stop_ends_the_agent(supervised: Supervised) -> None:
    def once(chunk: bytes) -> None:
        if chunk == b"at work\n":
            supervised.stop.request(signal.SIGINT)

    outcome = supervised.run(supervised.command(AGENTS / "polite.sh"), on_output=once)
    assert (outcome.ended, outcome.exit_code, outcome.escalation) == ("stopped", 0, "term")
    assert supervised.stop.signum == signal.SIGINT


def test_second_stop_shortens_the_grace(supervised: Supervised) -> None:
    def twice(_chunk: bytes) -> None:
        supervised.stop.request()
        supervised.stop.request()

    command = supervised.command(AGENTS / "deaf.sh", grace_s=30.0)
    outcome = supervised.run(command, on_output=twice)
    assert (outcome.ended, outcome.escalation, outcome.signal) == (
        "stopped",
        "kill",
        signal.SIGKILL,
    )
    assert outcome.duration_ms < 10_000


def test_nothing_runs_when_stop_was_asked_before(supervised: Supervised) -> None:
    supervised.stop.request()
    trace = supervised.folder / "ran"
    assert supervised("touch", trace).ended == "stopped"
    assert supervised.started == []
    assert not trace.exists()


def test_gate_stays_closed_when_stop_is_asked_while_it_is_recorded(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[spawn.Child] = []
    monkeypatch.setattr(spawn.Child, "open_gate", opened.append)
    outcome = supervised.run(
        supervised.command("true"), on_start=lambda *_: supervised.stop.request()
    )
    assert (outcome.ended, opened) == ("stopped", [])


def test_agent_that_ignores_sigterm_is_killed_after_the_grace(supervised: Supervised) -> None:
    outcome = supervised.run_until_output(supervised.command(AGENTS / "deaf.sh", grace_s=0.2))
    assert (outcome.ended, outcome.escalation, outcome.signal) == (
        "stopped",
        "kill",
        signal.SIGKILL,
    )
    assert time.monotonic() - supervised.stopped_s >= 0.2


def test_waiting_costs_no_processor_time(supervised: Supervised) -> None:
    before_s = time.process_time()
    command = supervised.command(AGENTS / "deaf.sh", grace_s=1.0)
    assert supervised.run_until_output(command).escalation == "kill"
    assert time.process_time() - before_s < 0.3


def test_peak_memory_is_measured(supervised: Supervised) -> None:
    # By a program of its own: a peak counts what forked the agent, and this one may be of any size.
    with supervised.host("weigh", sys.executable, "-S", AGENTS / "hungry.py", "120") as host:
        *_, told = host.communicate()[0].splitlines()
    word, size_bytes = told.split()
    assert word == "peak"
    assert 120 * MIB < int(size_bytes) < 400 * MIB


def test_recorded_pid_and_start_time_are_those_of_the_agent(supervised: Supervised) -> None:
    recorded: list[bool] = []
    outcome = supervised.run(
        supervised.command("sh", "-c", "echo $$"),
        on_start=lambda process: (
            supervised.started.append(process),
            recorded.append(platform.is_alive(process)),
        ),
    )
    assert recorded == [True]
    assert int(outcome.stdout) == supervised.started[0].pid
    assert not platform.is_alive(supervised.started[0])


def test_agent_leads_a_session_of_its_own(supervised: Supervised) -> None:
    script = "import os; print(os.getpid(), os.getsid(0), os.getpgid(0))"
    outcome = supervised(sys.executable, "-S", "-c", script)
    assert len(set(outcome.stdout.split())) == 1


def test_agent_gets_its_mark_and_only_the_environment_given(supervised: Supervised) -> None:
    outcome = supervised("/usr/bin/env", env={"ONE": "1"})
    assert sorted(outcome.stdout.split()) == [b"ONE=1", b"UWF_RUN=" + supervised.mark.encode()]


def test_large_environment_arrives_whole(supervised: Supervised) -> None:
    environment = {f"BIG_{number}": str(number % 10) * (64 << 10) for number in range(16)}
    lines = supervised("/usr/bin/env", env=environment).stdout.decode().splitlines()
    assert sorted(lines) == sorted(
        [*(f"{name}={value}" for name, value in environment.items()), f"UWF_RUN={supervised.mark}"]
    )


def test_arguments_and_environment_need_not_be_text(supervised: Supervised) -> None:
    words, environment = os.fsdecode(b"caf\xe9 \xff"), {"NAME": os.fsdecode(b"\xfe")}
    outcome = supervised("/bin/sh", "-c", 'printf "%s" "$1" "$NAME"', "-", words, env=environment)
    assert outcome.stdout == b"caf\xe9 \xff\xfe"


def test_empty_arguments_are_arguments(supervised: Supervised) -> None:
    assert supervised("printf", "[%s]", "", "a", "").stdout == b"[][a][]"


@linux_only
def test_agent_starts_with_default_signals_and_nothing_blocked(supervised: Supervised) -> None:
    ignored = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGRTMAX)
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in ignored]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    try:
        status = supervised("cat", "/proc/self/status").stdout.decode()
        assert {signal.SIGTERM, signal.SIGUSR1} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before:
            signal.signal(number, handler)
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    # The C library keeps two for itself.
    ours = sum(1 << number - 1 for number in signal.valid_signals())
    assert int(fields["SigIgn"], 16) & ours == 0
    assert int(fields["SigBlk"], 16) & ours == 0


@linux_only
def test_agent_inherits_no_descriptor_but_the_three_and_its_mark(supervised: Supervised) -> None:
    leak = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        outcome = supervised("sh", "-c", "readlink /proc/$$/fd/*")
    finally:
        os.close(leak)
    mark = f"/memfd:UWF_RUN={supervised.mark} (deleted)".encode()
    assert sorted(link.partition(b":")[0] for link in outcome.stdout.splitlines()) == [
        *(b"/memfd", b"pipe", b"pipe", b"pipe"),
    ]
    assert mark in outcome.stdout.splitlines()


def test_agent_runs_in_the_folder_given(supervised: Supervised) -> None:
    place = supervised.folder / "place"
    place.mkdir()
    assert supervised("pwd", "-P", cwd=str(place)).stdout.decode().strip() == str(place.resolve())


def test_pauses_between_bursts_are_told(supervised: Supervised) -> None:
    supervised(AGENTS / "bursts.sh", "0.4", "one", "two")
    assert supervised.pauses == 2
    assert supervised.output == [b"one", b"two"]


@pytest.mark.parametrize("callback", ["on_start", "on_output", "on_pause"])
def test_what_a_callback_raises_ends_the_agent_and_comes_out(
    supervised: Supervised, callback: str
) -> None:
    def fail(*_arguments: object) -> None:
        raise LookupError("the caller's own trouble")

    command = supervised.command(AGENTS / "deaf.sh", grace_s=30.0)
    with pytest.raises(LookupError):
        supervised.run(command, **{callback: fail})


@linux_only
def test_what_the_disk_does_not_take_of_a_reply_stays_in_memory(supervised: Supervised) -> None:
    flood = (sys.executable, "-S", AGENTS / "flood.py", "inf")
    done = supervised(*flood, spool_dir="/proc/nowhere", output_limit_bytes=3 << 20)
    assert (done.ended, len(done.stdout)) == ("output_limit", 3 << 20)


def test_a_spool_whose_disk_fills_up_has_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, plain, room = pump.Spool(str(tmp_path)), os.write, [2_000_000]

    def write(file: int, data: bytes) -> int:
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(28, "No space left on device")
        return plain(file, data)

    monkeypatch.setattr("uwf.agent.process.pump.os.write", write)
    blocks = [bytes([number]) * 500_000 for number in range(9)]
    for block in blocks:
        spool.add(block)
    assert spool.read() == b"".join(blocks)
    spool.close()


@pytest.mark.parametrize("has_nameless_files", [True, False])
def test_spool_is_private_and_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_nameless_files: bool
) -> None:
    if not has_nameless_files:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    opened: list[int] = []
    real = pump._nameless_file
    monkeypatch.setattr(
        pump, "_nameless_file", lambda folder: opened.append(real(folder)) or opened[0]
    )
    spool = pump.Spool(str(tmp_path))
    block = b"0123456789" * 50_000
    for _ in range(3):
        spool.add(block)
    status = os.fstat(opened[0])
    assert (status.st_mode & 0o777, status.st_nlink, status.st_size) == (0o600, 0, 3 * len(block))
    assert list(tmp_path.iterdir()) == []
    assert spool.read() == 3 * block
    spool.close()
    spool.close()


def test_ignored_sigchld_does_not_lose_the_exit_code(supervised: Supervised) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert supervised("sh", "-c", "exit 5").exit_code == 5
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_exit_status_that_was_collected_elsewhere_is_reported_lost(supervised: Supervised) -> None:
    def collect(_chunk: bytes) -> None:
        os.waitpid(supervised.started[0].pid, 0)

    outcome = supervised.run(supervised.command("echo", "hi"), on_output=collect)
    assert (outcome.ended, outcome.exit_code, outcome.signal) == ("exit", None, None)
    assert "exit status was lost" in outcome.error


def test_runs_side_by_side_do_not_disturb_each_other(supervised: Supervised) -> None:
    def one(number: int) -> bytes:
        script = f"sleep 0.0{number}; cat; echo {number}"
        command = supervised.command("sh", "-c", script, mark=f"{supervised.mark}-{number}")
        quiet = {"on_start": lambda *_: None, "on_output": lambda *_: None}
        return supervised.run(command, **quiet).stdout

    supervised.stop.fileno()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == [f"{number}\n".encode() for number in range(8)]


def test_other_children_of_this_program_are_left_alone(supervised: Supervised) -> None:
    before = subprocess.Popen(["sleep", "100"], start_new_session=True)
    between: list[subprocess.Popen[bytes]] = []
    try:
        supervised.strays("session", "deaf", "quiet", grace_s=0.1)
        supervised.run(
            supervised.command(AGENTS / "deaf.sh", timeout_s=1, grace_s=0.1),
            on_output=lambda _chunk: between.append(
                subprocess.Popen(["sleep", "100"], start_new_session=True)
            ),
        )
        assert (before.poll(), between[0].poll()) == (None, None)
    finally:
        for child in (before, *between):
            child.kill()
            child.wait()


@linux_only
def test_long_runs_do_not_gather_zombies(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.agent.process.supervise._TIDY_S", 0.05)
    zombies: list[int] = []

    def count(_chunk: bytes) -> None:
        zombies.append(len(platform.children(os.getpid())))

    script = "for i in 1 2 3 4 5 6 7 8; do (sleep 0.02 &); sleep 0.1; echo; done"
    supervised.run(supervised.command("sh", "-c", script), on_output=count)
    assert max(zombies) <= 4


@linux_only
def test_memory_of_those_that_outlive_their_parent_is_measured(supervised: Supervised) -> None:
    """The program ends before its child does: then the child is collected here."""
    took = f"{supervised.folder}/took"
    script = f'"{sys.executable}" -S "{AGENTS / "hungry.py"}" 120 "{took}" &'
    script += f' until [ -e "{took}" ]; do sleep 0.02; done; exit 0'
    with supervised.host("weigh", "sh", "-c", script) as host:
        *_, told = host.communicate()[0].splitlines()
    word, size_bytes = told.split()
    assert word == "peak"
    assert 120 * MIB < int(size_bytes) < 400 * MIB


@linux_only
def test_memory_that_the_host_gave_back_is_not_counted_for_the_agent(
    supervised: Supervised,
) -> None:
    held = bytearray(b"x") * (200 << 20)
    del held
    outcome = supervised("sh", "-c", "exit 7")
    assert outcome.exit_code == 7
    now_bytes = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert outcome.peak_memory_bytes < now_bytes + (50 << 20)
