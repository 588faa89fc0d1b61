"""What the processes of a server use, and which of them holds a connection."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

INTERVAL = 1.0
_ROLES = ("WorkerCron", "WorkerHTTP", "gevent")
MEGA = 1024 * 1024


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu(pid: int) -> float:
    """Seconds of processor that a family has used so far."""
    total = 0.0
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _each(pid: int) -> Iterator[tuple[psutil.Process, int, int]]:
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            memory = process.memory_full_info()
            yield process, memory.pss, memory.rss


def peak_mb(pid: int) -> float:
    """Return the most that a process has had resident since its start (proc(5), ``VmHWM``)."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


class Memory:
    """Peaks while the block runs: the sum of all processes (shared pages divided), the largest
    resident one, and each one by its process id and title.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.total_mb = 0.0
        self.largest_mb = 0.0
        self.each_mb: dict[str, int] = {}

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(INTERVAL):
            sizes = [(process, pss, rss) for process, pss, rss in _each(self._pid)]
            self.total_mb = max(self.total_mb, sum(pss for _process, pss, _rss in sizes) / MEGA)
            self.largest_mb = max([self.largest_mb, *(rss / MEGA for _process, _pss, rss in sizes)])
            for process, _pss, _rss in sizes:
                self._note(process)

    def _note(self, process: psutil.Process) -> None:
        """Note the peak of a process as the kernel kept it, whatever happened between two looks."""
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            title = " ".join(process.cmdline())
            role = next((name for name in _ROLES if name in title), "main")
            self.each_mb[f"{process.pid} {role}"] = round(peak_mb(process.pid))


def holder(pid: int, port: int) -> psutil.Process | None:
    """The process of a family that has a connection from this port of ours."""
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if any(line.laddr and line.laddr.port == port for line in process.connections("tcp")):
                return process
    return None
