"""The key that encrypts stored credentials on this machine: one file of the cache, readable by its owner only.

Lines of the file are `key id:base64 of 32 random bytes`; Odoo finds it by FINANCE_CONNECT_KEY_FILE.
"""

import base64
import os
import secrets
from pathlib import Path

from . import locks
from .paths import cache

VARIABLE = "FINANCE_CONNECT_KEY_FILE"
_BYTES = 32


def ensure() -> Path:
    """Return the key file, made at first use and never replaced: a new key could not read old credentials."""
    path = cache() / "keyring"
    with locks.exclusive(cache() / ".keyring.lock", "key file"):
        if not path.exists():
            key = base64.b64encode(secrets.token_bytes(_BYTES)).decode()
            temporary = path.with_suffix(".partial")
            temporary.unlink(missing_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(f"local-1:{key}\n")
            temporary.replace(path)
    return path
