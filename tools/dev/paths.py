"""Where things are: the checkout, and the cache that holds everything which is not in git."""

import hashlib
import os
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ADDONS = PROJECT / "addons"
# Addons that only tests use; no database of the product may see them.
TEST_ADDONS = PROJECT / "tests" / "addons"
# Unix socket addresses are limited to 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 80


def cache() -> Path:
    """Return the project's cache folder, made when missing."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base).expanduser().absolute() / "finance-connect"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _name() -> str:
    """Different for each user and each cache."""
    return f"finance-connect-{os.getuid()}-{digest(cache())}"


def socket_folder(preferred: Path) -> Path:
    """Return the preferred folder, or one with a shorter address when sockets cannot have that one."""
    if len(str(preferred)) <= LONGEST_SOCKET_FOLDER:
        return preferred
    return Path(tempfile.gettempdir()) / _name()


def root_folder() -> Path:
    """Data of servers that root starts as another user, who may not enter root's home."""
    return Path("/var/lib") / _name()


def digest(*parts: object) -> str:
    """Twelve characters that change when any of the parts changes."""
    joined = "\0".join(str(part) for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:12]


def files_below(folder: Path, skip: frozenset[str] = frozenset()) -> list[Path]:
    """Every file below a folder, sorted, without byte code and the named folders."""
    ignored = skip | {"__pycache__"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not ignored & set(path.relative_to(folder).parts[:-1])
    )


def content_hash(folder: Path, skip: frozenset[str] = frozenset()) -> str:
    """Hash of the names and contents of the files below a folder."""
    total = hashlib.sha256()
    for path in files_below(folder, skip):
        body = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder)}\0{body}\n".encode())
    return total.hexdigest()
