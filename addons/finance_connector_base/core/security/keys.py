"""Where the key-encryption key comes from: never the database.

In this order: the environment variable ``FINANCE_CONNECT_KEYS`` (the key ring itself), the file
named by
``FINANCE_CONNECT_KEY_FILE``, the file named by ``finance_connect_key_file`` in the server's
configuration file.
"""

from __future__ import annotations

import os
from pathlib import Path

from .vault import KeyRing, NoKey

ENVIRONMENT_KEYS = "FINANCE_CONNECT_KEYS"
ENVIRONMENT_FILE = "FINANCE_CONNECT_KEY_FILE"
OPTION_FILE = "finance_connect_key_file"


def load_key_ring(option_file: str | None = None) -> KeyRing:
    """The server's key ring.

    :raises NoKey: none is configured, or the file cannot be read; the message says which setting to
        correct.
    """
    inline = os.environ.get(ENVIRONMENT_KEYS)
    if inline:
        return KeyRing.parse(inline)
    path = os.environ.get(ENVIRONMENT_FILE) or option_file
    if not path:
        raise NoKey(f"set {ENVIRONMENT_FILE} or {OPTION_FILE} to the path of a key ring")
    try:
        text = Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise NoKey(f"the key ring {path} cannot be read ({type(error).__name__})") from error
    return KeyRing.parse(text)
