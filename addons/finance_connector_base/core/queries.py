"""SQL statements by name, many of them in one file, each with a description.

A file is a sequence of sections. A section begins with ``-- name: <name>``; the comment lines that follow
describe the statement and are required, since a statement is found and reviewed by what it is for. The rest
is the statement, which is sent to the database without the description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_HEADING = re.compile(r"^-- name:(.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class QueryFileError(ValueError):
    """A file of statements does not follow the format; the message names the section."""


class UnknownQuery(KeyError):
    """The file has no statement of this name."""

    def __str__(self) -> str:
        return str(self.args[0])


class _Queries(dict[str, str]):
    """Statements by name; a wrong name is reported together with the file."""

    def __init__(self, path: Path, statements: Mapping[str, str]):
        super().__init__(statements)
        self._path = path

    def __missing__(self, name: str) -> str:
        raise UnknownQuery(f"{self._path.name} has no statement named {name!r}")


@cache
def load(path: Path) -> Mapping[str, str]:
    """Return the statements of a file by name. Each file is read once.

    :raises QueryFileError: a section has no valid name, description or statement, or a name is used twice.
    """
    parts = _HEADING.split(path.read_text(encoding="utf-8"))
    statements: dict[str, str] = {}
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        name = heading.strip()
        if not _NAME.fullmatch(name):
            raise QueryFileError(f"{path.name}: {name!r} is not a valid name")
        if name in statements:
            raise QueryFileError(f"{path.name}: {name!r} is defined twice")
        statements[name] = _statement(f"{path.name}: {name!r}", body.strip("\n").split("\n"))
    return _Queries(path, statements)


def _statement(where: str, lines: list[str]) -> str:
    described = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    if not any(line.strip("- ") for line in lines[:described]):
        raise QueryFileError(f"{where} has no description")
    statement = "\n".join(lines[described:]).strip()
    if not statement:
        raise QueryFileError(f"{where} has no statement")
    return statement
