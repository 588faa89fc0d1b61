"""The audit keys of this server, for the sealer, the erasable parts and the verification.

Plain functions, imported by code. They are not attached to a model, so that no expression of a server action or a
template leads to a key.
"""

import hashlib
import logging
import os
from pathlib import Path

from odoo.tools import config

from .core import keys, signing

_logger = logging.getLogger(__name__)


def audit_keys():
    """Return the provider of the audit keys.

    :raises NoKey: what is configured cannot be used.
    """
    source = signing.SOURCE
    options = {name: config.get(name) for name in (source.file_option, keys.vault_option(source))}
    return keys.load(source, options, _generated())


def lies_in_data_dir():
    """Return the path of a signing key that is copied with every backup of the data folder, or None."""
    source = signing.SOURCE
    if os.environ.get(source.variable) or os.environ.get(keys.vault_variable(source)):
        return None
    if config.get(keys.vault_option(source)):
        return None
    path = os.environ.get(source.file_variable) or config.get(source.file_option) or _generated()
    return path if _is_inside(Path(path)) else None


def _generated():
    """Return where a key is generated: outside of the data folder, except where one already lies in it.

    A key in use is not moved: other servers may share the folder, and a new key would look like a forger's.
    """
    former = Path(config["data_dir"]) / "finance_audit" / "signing.keys"
    home = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    server = hashlib.sha256(os.fsencode(Path(config["data_dir"]).resolve())).hexdigest()[:12]
    path = Path(home) / "finance_audit" / f"signing-{server}.keys"
    if former.exists() or _is_inside(path) or not _is_writable(path):
        _logger.warning(
            "the audit signing key lies in the data folder, which backups of the filestore include; "
            "set finance_audit_key_file"
        )
        return former
    return path


def _is_inside(path):
    return Path(config["data_dir"]).resolve() in path.resolve().parents


def _is_writable(path):
    present = next(folder for folder in path.parents if folder.exists())
    return os.access(present, os.W_OK)
