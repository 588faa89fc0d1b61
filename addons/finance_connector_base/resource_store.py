"""Where dispatcher workers keep the resources of a connection: in ``finance.resource``, encrypted.

A resource is obtained by one worker at a time, under the row's lock; the others wait for it and use
what was obtained (P2). The lock ends with its transaction, so a worker that is killed on the way
leaves nothing behind. Like the secrets of connections, the store is reached by code that imports it
and by no record.
"""

import hashlib
import json
import threading
import time
from contextlib import contextmanager

from odoo.addons.finance_audit.core.keyring import KeyRingError
from odoo.modules.registry import Registry
from psycopg2 import errors
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from .core.conversation import Resource
from .core.delivery.outcomes import Outcome, Transient
from .core.delivery.queries import QUERIES
from .core.http.resources import (
    WAIT_SECONDS,
    margin,
    usable_until,
    waiting,
)

#: A row that is not in place is read again after this time.
_READ_SECONDS = 0.5
#: How long a worker waits for another one that is obtaining the resource.
_LOCK_TIMEOUT = f"SET LOCAL lock_timeout = '{WAIT_SECONDS:.0f}s'"


def basis_hash(basis):
    """Return the hash under which resources obtained on this basis are stored."""
    return hashlib.sha256(repr(basis).encode()).hexdigest()


class DatabaseResources:
    """The resources of one connection, kept in ``finance.resource``; safe to use from threads.

    ``seal`` and ``unseal`` turn a JSON text into a ciphertext and back. A resource obtained under
    another ``basis`` (other credentials, another address) counts as not in place.
    """

    def __init__(self, dbname, connection_id, basis, seal, unseal):
        self._dbname = dbname
        self._connection_id = connection_id
        self._basis = basis_hash(basis)
        self._seal = seal
        self._unseal = unseal
        self._lock = threading.Lock()
        self._renewing = {}
        self._kept = {}
        self._read_at = {}
        self._failed = {}

    def get(self, name):
        """Return the resource if it is in place and not about to end; see ``ResourceStore``."""
        kept = self._usable(name)
        if kept:
            return kept
        now = time.monotonic()
        with self._lock:
            if now - self._read_at.get(name, 0.0) < _READ_SECONDS:
                return None
            self._read_at[name] = now
        with self._transaction() as cr:
            cr.execute(QUERIES["resource"], self._parameters(name))
            row = cr.fetchone()
        return self._keep(name, row)

    def renew(self, name, refused, obtain):
        """Return a resource newer than ``refused``, obtained by one worker; see ``ResourceStore``."""
        asked_at = time.monotonic()
        with self._lock:
            renewing = self._renewing.setdefault(name, threading.Lock())
        with waiting(renewing, name) as in_vain:
            if in_vain:
                return in_vain
            kept = self._usable(name)
            if kept and kept.generation > refused:
                return kept
            failed_at, failure = self._failed.get(name, (0.0, None))
            if failure and failed_at >= asked_at:
                # It failed for all that waited for it; a slow endpoint holds none of them longer.
                return failure
            try:
                result = self._renew_locked(name, refused, obtain)
            except errors.LockNotAvailable:
                result = Transient(f"another worker is obtaining the {name}")
            if isinstance(result, Outcome):
                self._failed[name] = (time.monotonic(), result)
            else:
                self._failed.pop(name, None)
            return result

    def refuse(self, name, generation):
        """Note that the provider refused this generation; see ``ResourceStore``."""
        with self._lock:
            kept = self._kept.get(name)
            if kept and kept.generation == generation:
                del self._kept[name]
        with self._transaction() as cr:
            cr.execute(
                QUERIES["resource_refuse"], {**self._parameters(name), "generation": generation}
            )

    def _renew_locked(self, name, refused, obtain):
        with self._transaction() as cr:
            cr.execute(_LOCK_TIMEOUT)
            cr.execute(QUERIES["resource_begin"], self._parameters(name))
            cr.execute(QUERIES["resource_lock"], self._parameters(name))
            row = cr.fetchone()
            kept = self._keep(name, row)
            if kept and kept.generation > refused:
                return kept
            obtained = obtain(self._read(name, row))
            if isinstance(obtained, Outcome):
                return obtained
            life = obtained.lifetime
            cr.execute(
                QUERIES["resource_end"],
                {
                    **self._parameters(name),
                    "ciphertext": self._seal(name, json.dumps(dict(obtained.secret))),
                    "public": json.dumps(dict(obtained.public)),
                    "lifetime": None if life is None else life - margin(life),
                },
            )
            return self._keep(name, cr.fetchone())

    def _usable(self, name):
        with self._lock:
            kept = self._kept.get(name)
        return kept if kept and usable_until(kept) > time.time() else None

    def _keep(self, name, row):
        resource = self._read(name, row)
        if resource is None or usable_until(resource) <= time.time():
            return None
        with self._lock:
            self._kept[name] = resource
        return resource

    def _read(self, name, row):
        """Return the resource of a row, None where there is none under these settings."""
        if row is None or not row[1] or row[2] != self._basis:
            return None
        generation, ciphertext, _basis, public, expires_in = row
        try:
            secret = json.loads(self._unseal(name, ciphertext))
        except KeyRingError:
            return None
        # Counted from this machine's clock, because it is compared with this machine's clock.
        expires_at = None if expires_in is None else time.time() + expires_in
        return Resource(name, generation, secret, public or {}, expires_at)

    def _parameters(self, name):
        return {"connection": self._connection_id, "name": name, "basis": self._basis}

    @contextmanager
    def _transaction(self):
        with Registry(self._dbname).cursor() as cr:
            if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
                cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            yield cr
