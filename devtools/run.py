"""Run a command to its end, keep its output in a log, and explain a failure with the last lines of it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import Problem
from .paths import cache

_TAIL = 15
_OFFLINE_SIGNS = (
    "Temporary failure resolving",
    "Could not resolve",
    "Failed to establish a new connection",
    "Network is unreachable",
    "dns error",
    "Connection refused",
    "Could not connect",
)


def log_file(name: str) -> Path:
    """Where the output of a step is kept."""
    folder = cache() / "logs"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.log"


def explain(output: str) -> str:
    """A hint for the usual reasons why a step fails."""
    if "No space left on device" in output:
        return "The disk is full: free some space, or set XDG_CACHE_HOME to a bigger disk."
    if any(sign in output for sign in _OFFLINE_SIGNS):
        return "The network or the package mirror could not be reached; try again when online."
    return ""


def logged(
    name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command, its output going to the named log; return the output."""
    log = log_file(name)
    with log.open("w") as out:
        result = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    output = log.read_text(errors="replace")
    if result.returncode:
        tail = "\n  ".join(output.strip().splitlines()[-_TAIL:])
        raise Problem(
            f"{Path(command[0]).name} failed with code {result.returncode} ({name}).\n  {tail}",
            explain(output) or f"Full output: {log}",
        )
    return output
