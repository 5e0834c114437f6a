"""A configuration file as TOML values, and on which line each of them stands.

The elements of an array of tables are called by their names, or by their numbers from 1: in a `TomlFile` such an array
is a table of tables. What keys there are, and what they read, is said in `keys`.
"""

from __future__ import annotations

from uwf.config_table import NAME, bare_name
from uwf.errors import ConfigInvalid
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from uwf.config_table import Path

    Place = tuple[Any, ...]  # of names, and of indexes in arrays


class TomlFile(Record):
    """`values` are those of the file; `places` says of each element of an array of tables where it really is."""

    file: str
    text: str
    values: Mapping[str, Any]
    places: Mapping[Place, Place]

    def at(self, path: Place) -> str:
        """The file, and the line on which `path` stands, or what is nearest above it: `config.toml:12`."""
        lines = lines_of(self.text)
        place = self.place(path)
        while place and place not in lines:
            place = place[:-1]
        return f"{self.file}:{lines[place]}" if place else self.file

    def place(self, path: Place) -> Place:
        """Where `path` really is: with the index of an element in place of its name."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return (*self.places[path[:length]], *path[length:])
        return path


def parse(data: bytes, file: str, arrays: Sequence[Path]) -> TomlFile:
    """`data` of `file`, in which there are arrays of tables at the paths `arrays`.

    ConfigInvalid for what is not TOML, and for elements that cannot be told apart.
    """
    import tomllib

    try:
        text = data.decode()
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigInvalid(
            f"{file} is not UTF-8 text: byte {error.start} does not fit", hint=editing(file)
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigInvalid(
            f"{file} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}", hint=editing(file)
        ) from None
    document = TomlFile(file, text, values, {})
    for path in arrays:
        document = _named(document, path)
    return document


def spelled_out(document: TomlFile, table: str, key: str) -> TomlFile:
    """`document` with the text that stands in the place of `table` as the value of its `key`."""
    value = document.values.get(table)
    if not isinstance(value, str):
        return document
    values = {**document.values, table: {key: value}}
    places = {**document.places, (table, key): (table,)}
    return TomlFile(document.file, document.text, values, places)


def editing(file: str) -> str:
    """The command that mends a file which is not as it has to be."""
    import shlex

    return f"${{EDITOR:-vi}} {shlex.quote(file)}"


def _named(document: TomlFile, array: Path) -> TomlFile:
    """`document` with the elements of one array under their names."""
    values: dict[str, Any] = dict(document.values)
    table = values
    for part in array[:-1]:
        if not isinstance(table.get(part), dict):
            return document
        table[part] = table = dict(table[part])
    elements = table.get(array[-1])
    if elements is None:
        return document
    whole = ".".join(array)
    hint = editing(document.file)
    if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
        message = f"{document.at(array)}: {whole} is an array of tables: [[{whole}]]"
        raise ConfigInvalid(message, hint=hint)
    named: dict[str, Any] = {}
    places = dict(document.places)
    for index, element in enumerate(elements):
        name, here = element_name(element, index), (*array, index)
        if name in named:
            first = document.at(places[(*array, name)])
            second = document.at(here)
            message = f"{second}: a second one of {whole} is called {name}; the first is {first}"
            raise ConfigInvalid(message, hint=hint)
        named[name] = element
        places[(*array, name)] = here
    table[array[-1]] = named
    return TomlFile(document.file, document.text, values, places)


def element_name(element: Mapping[str, Any], index: int) -> str:
    """What an element of an array of tables is called in a key. A name that is none is refused where keys are read."""
    try:
        return bare_name(element.get(NAME))
    except ValueError:
        return str(index + 1)


def lines_of(text: str) -> dict[Place, int]:
    """The line, from 1, on which each table, element and key of a TOML text begins.

    No library says that: tomllib keeps no positions, and tomlkit none that is public. In TOML a line that ends a
    statement ends it for good, so the fewest lines that can be read by themselves are one statement.
    """
    import tomllib

    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    statement, first = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        if not statement:
            first = number
        statement += f"{line}\n"
        try:
            values = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            table = _header(values, counts)
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], first)
        else:
            for place in _places(values):
                found.setdefault((*table, *place), first)
        statement = ""
    return found


def _header(values: Any, counts: dict[Place, int]) -> Place:
    """The table that `[a.b]` or `[[a.b]]` begins. `counts` has how many elements each array has so far."""
    table: Place = ()
    while values:
        [(part, values)] = values.items()
        table = (*table, part)
        if isinstance(values, list):
            counts[table] = counts.get(table, 0) + 1
            return (*table, counts[table] - 1)
        if values and table in counts:
            table = (*table, counts[table] - 1)
    return table


def _places(value: Any) -> Iterator[Place]:
    """The place of every value inside `value`, the outer ones first."""
    if isinstance(value, dict):
        below: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    else:
        return
    for part, inner in below:
        yield (part,)
        for place in _places(inner):
            yield (part, *place)
