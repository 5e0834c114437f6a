"""Replies whatever the role's schema allows: scripted.py MEMORY-FOLDER.

It reads the schema in UWF_SCHEMA and takes its statuses in turn: the first on the role's first visit, the second on
the next, and so on around. Taken in turn, every edge that a thread passes often enough is followed some day, so
wherever a path leads to the end the thread comes to it: no loop lasts.
"""

import json
import os
import sys

SAMPLES = {
    "string": "some text",
    "integer": 7,
    "number": 0.5,
    "boolean": True,
    "null": None,
    "object": {},
}


def ways(schema):
    """The object schemas that a reply may follow, one for each status."""
    choices = schema.get("oneOf") or schema.get("anyOf") or [{}]
    for choice in choices:
        both = {**schema.get("properties", {}), **choice.get("properties", {})}
        status = both.get("$status", {})
        names = [status["const"]] if "const" in status else status.get("enum", ["done"])
        for name in names:
            yield name, {key: about for key, about in both.items() if key != "$status"}


def sample(schema):
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind == "array":
        return [sample(schema.get("items", {}))] * schema.get("minItems", 1)
    return SAMPLES[kind]


def main():
    prompt = sys.stdin.read()
    assert "## How to reply" in prompt, "the prompt says what a reply looks like"
    with open(os.environ["UWF_SCHEMA"]) as file:
        known = list(ways(json.load(file)))
    memory = os.path.join(sys.argv[1], os.environ["UWF_ROLE"])
    visits = os.path.getsize(memory) if os.path.exists(memory) else 0
    with open(memory, "a") as file:
        file.write("x")
    status, properties = known[visits % len(known)]
    print(f"---\n$status: {json.dumps(status)}")
    for name, about in properties.items():
        print(f"{name}: {json.dumps(sample(about))}")
    print("---\nAs the script says.")


main()
