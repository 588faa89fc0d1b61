"""Run a command to its end, keep its output in a log, and explain a failure with the last lines of it."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import Offline, Problem
from .paths import cache

_TAIL, _WIDTH = 8, 200
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


def is_offline(output: str) -> bool:
    """Return whether a step failed for want of a network."""
    return any(sign in output for sign in _OFFLINE_SIGNS)


def explain(output: str) -> str:
    """Return a hint for the usual reasons why a step fails."""
    if "No space left on device" in output:
        return "The disk is full: free some space, or set XDG_CACHE_HOME to a bigger disk."
    if is_offline(output):
        return "The network or the package mirror could not be reached; try again when online."
    return ""


def die_with_parent(command: Sequence[str | Path]) -> list[str]:
    """Have the kernel end a program when the command that started it is killed and cannot do so."""
    wrapper = shutil.which("setpriv")
    return [*([wrapper, "--pdeathsig", "TERM", "--"] if wrapper else []), *map(str, command)]


def logged(
    name: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str = "",
) -> str:
    """Run a command that reads the given text, its output going to the named log; return the output."""
    log = log_file(name)
    with log.open("w") as out:
        result = subprocess.run(
            die_with_parent(command),
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=text.encode(),
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
        )
    output = log.read_text(errors="replace")
    if result.returncode:
        lines = [text[:_WIDTH] for text in output.strip().splitlines()[-_TAIL:]]
        tail = "\n  ".join(lines)
        raise (Offline if is_offline(output) else Problem)(
            f"{Path(command[0]).name} failed with code {result.returncode} ({name}).\n  {tail}",
            explain(output) or f"Full output: {log}",
        )
    return output
