"""The file that `workflow new` writes: a workflow that runs, whose comments say what else there is."""

from __future__ import annotations

import os
import shlex

from uwf.errors import InputError
from uwf.record import Record
from uwf.workflow import find, validate

SCHEMA_FILE = "schema.json"
"""Where an editor's schema is looked for, beside the file."""

_EDITOR = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"

_TEXT = """\
# A workflow: who does what, and where each reply leads.
#   uwf help workflow             the whole language
#   uwf workflow validate FILE    every mistake with its line
#   uwf workflow try NAME         the prompts, without an agent
#   uwf thread start NAME -p 'The task.' --until-done
version: 1
name: NAME
description: One writes, another one checks, until it is good.
budget: { steps: 20 } # of a thread; also usd: 5, tokens: 2M, time: 2h

roles:
  writer:
    goal: Do what the task asks for.
    # description: Who it is.               These stand in its prompt.
    # capabilities: [What it can do.]
    # procedure: How it does it.            Or from a file: !include writer.md
    # output: What its reply has to say.
    frontmatter: # what its reply begins with: JSON Schema
      type: object
      properties:
        $status: { const: written }
        summary: { type: string }
      required: [$status, summary]

  checker:
    goal: Say whether it is what the task asks for, and what is missing.
    writes: false # it only reads
    max_visits: 5 # then a person is asked
    frontmatter: # two ways to reply: a shape for each
      oneOf:
        - properties: { $status: { const: good } }
          required: [$status]
        - properties:
            $status: { const: lacking }
            missing: { type: array, items: { type: string } }
          required: [$status, missing]

graph: # from each role, for each $status: who is next, and what it is told
  $START:
    new: { role: writer, prompt: "Write it." }
    # after the end, when there is something new
    resume: { role: writer, prompt: "Go on, with what is new in mind." }
  writer:
    # {{ summary }} is a field of the reply; {{ _body }} is its text
    written: { role: checker, prompt: "Check this. In short: {{ summary }}" }
  checker:
    good: { role: $END }
    lacking: { role: writer, prompt: "It lacks: {{ missing | join: ', ' }}" }
# A role that needs a person replies `$status: $SUSPEND` with a `reason`:
# that has no edge.
"""


class NewFile(Record):
    """A file that was written, and the name of its workflow."""

    name: str
    path: str


def write(name: str, cwd: str) -> NewFile:
    """Write the file to the path `name`, else to `.workflows/` of the folder `cwd`. InputError, with nothing written,
    where there is one already, or the name is none.
    """
    path = name if find.is_path(name) else os.path.join(find.FOLDERS[0], name + find.SUFFIXES[0])
    there = os.path.join(cwd, os.path.expanduser(path))
    stem, suffix = os.path.splitext(os.path.basename(there))
    fault = validate.fault_in(stem)
    if fault is not None or suffix not in find.SUFFIXES:
        why = f"the name {stem!r} {fault}" if fault else f"{name} is no path of a YAML file"
        hint = "uwf workflow new review"
        raise InputError(f"cannot write a new workflow: {why}", hint=hint, code="bad_name")
    folder = os.path.dirname(there)
    for other in (there, *(os.path.join(folder, stem + suffix) for suffix in find.SUFFIXES)):
        if os.path.lexists(other):
            hint = shlex.join(("uwf", "workflow", "validate", os.path.relpath(other, cwd)))
            said = f"{os.path.relpath(other, cwd)} is there already, and is not overwritten"
            raise InputError(said, hint=hint, code="file_exists")
    has_schema = os.path.exists(os.path.join(folder, SCHEMA_FILE))
    try:
        os.makedirs(folder, exist_ok=True)
        _write_whole(there, text(stem, has_schema=has_schema))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", code="not_written") from None
    return NewFile(stem, path)


def _write_whole(path: str, text: str) -> None:
    """The file has all of the text, or is not there."""
    with open(path, "x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            os.unlink(path)
            raise


def text(name: str, *, has_schema: bool = False) -> str:
    """The file for a workflow called `name`. `has_schema`: a schema for editors is beside it."""
    return (_EDITOR if has_schema else "") + _TEXT.replace("NAME", name)
