"""Servers that a command starts: each in its own process group, stopped with all its children."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from . import run
from .errors import Problem
from .paths import PROJECT

_PATIENCE = 30.0
_POLL = 0.1
_TAIL = 20


class Server:
    """One server process, its log, and the address that tells when it is ready."""

    def __init__(
        self, name: str, command: Sequence[str], env: Mapping[str, str], ready_url: str
    ) -> None:
        self.name = name
        self.log: Path = run.log_file(name)
        self.log.unlink(missing_ok=True)
        self._command = run.die_with_parent(command)
        self._env = dict(env)
        self._ready_url = ready_url
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        if self._process is None:
            raise Problem(f"{self.name} is not running.")
        return self._process.pid

    def start(self, patience: float = 120.0) -> None:
        """Start and wait until it answers."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(patience)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        while not answers(self._ready_url):
            if self._process is None or self._process.poll() is not None:
                raise Problem(f"{self.name} ended before it was ready.\n{self._tail()}")
            if time.monotonic() > deadline:
                raise Problem(f"{self.name} was not ready in {patience:.0f} s.\n{self._tail()}")
            time.sleep(_POLL)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()[-_TAIL:]
        return "\n".join(["  …", *(f"  {text}" for text in lines), f"  Full output: {self.log}"])

    def alive(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stop(self) -> None:
        """Ask it to end, then make sure that nothing of its group is left."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Odoo's main process passes the wish on to its workers.
            self._process.terminate()
            self._process.wait(_PATIENCE)
        self.kill()

    def kill(self) -> None:
        """End the whole group at once, as a power cut would."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None


# A proxy of the machine is for the world outside, not for our own servers.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str) -> bool:
    """Return whether a server answers at the address, whatever it says short of an error of its own."""
    try:
        with _DIRECT.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
