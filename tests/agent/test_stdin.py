"""A program that is given more to read while it runs, as protocols over stdin and stdout need it."""

from __future__ import annotations

import time

from tests.agent.supervised import Supervised
from uwf.agent.process.pump import Stdin

MIB = 1 << 20
ANSWERING = 'while read -r line; do echo "got $line"; done; echo over'


def test_what_is_written_in_answer_to_output_is_read(supervised: Supervised) -> None:
    stdin = Stdin(b"first\n")
    answers = iter([b"second\n", b"third\n"])

    def answer(chunk: bytes) -> None:
        supervised.output.append(chunk)
        if chunk.startswith(b"got "):
            more = next(answers, None)
            stdin.close() if more is None else stdin.write(more)

    command = supervised.command("sh", "-c", ANSWERING, stdin=stdin)
    outcome = supervised.run(command, on_output=answer)
    assert (outcome.ended, outcome.exit_code, outcome.escalation) == ("exit", 0, "")
    assert outcome.stdout == b"got first\ngot second\ngot third\nover\n"


def test_stdin_stays_open_until_it_is_closed(supervised: Supervised) -> None:
    command = supervised.command("sh", "-c", ANSWERING, stdin=Stdin(b"one\n"), timeout_s=0.5)
    outcome = supervised.run(command)
    assert (outcome.ended, outcome.stdout) == ("timeout", b"got one\n")


def test_waiting_for_an_answer_takes_no_time_of_the_processor(supervised: Supervised) -> None:
    began_s = time.process_time()
    supervised("sleep", "1", stdin=Stdin(b"not read by anybody"))
    assert time.process_time() - began_s < 0.2


def test_it_may_be_closed_in_a_pause(supervised: Supervised) -> None:
    stdin = Stdin(b"one\n")
    command = supervised.command("sh", "-c", ANSWERING, stdin=stdin)
    outcome = supervised.run(command, on_pause=stdin.close)
    assert (outcome.ended, outcome.stdout) == ("exit", b"got one\nover\n")


def test_more_than_a_pipe_holds_is_written_as_it_is_read(supervised: Supervised) -> None:
    stdin = Stdin(b"x" * MIB)

    def more(chunk: bytes) -> None:
        supervised.output.append(chunk)
        if stdin.is_open:
            stdin.write(b"y" * MIB)
            stdin.close()

    outcome = supervised.run(supervised.command("cat", stdin=stdin), on_output=more)
    assert outcome.stdout == b"x" * MIB + b"y" * MIB


def test_what_a_program_does_not_want_to_read_is_thrown_away(supervised: Supervised) -> None:
    stdin = Stdin(b"one\n")

    def more(_chunk: bytes) -> None:
        stdin.write(b"more\n" * MIB)

    script = "read -r line; exec <&-; echo $line; sleep 0.2; echo over"
    command = supervised.command("sh", "-c", script, stdin=stdin)
    outcome = supervised.run(command, on_output=more)
    assert (outcome.ended, outcome.exit_code, outcome.stdout) == ("exit", 0, b"one\nover\n")
    assert not stdin.is_open
    assert not stdin.waiting
