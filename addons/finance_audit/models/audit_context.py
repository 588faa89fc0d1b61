"""The context of an audit entry as Odoo provides it: actor, source, record, document and company."""

import threading

from odoo import http

from ..core.entry import Actor, Subject
from ..core.errors import SubjectRefused

# Endpoints that programs call; everything else with a session is a person in the user interface.
_RPC_PATHS = ("/xmlrpc", "/jsonrpc", "/json/")
_CRON_THREADS = ("odoo.service.cron", "Worker WorkerCron")


def actor_of(env):
    """Return the user of `env` and the user who is actually logged in.

    Odoo keeps, per transaction, the environment with which the request, the remote call or the scheduled action
    began; `sudo()` and `with_user()` do not change it.
    """
    began = env.transaction.default_env
    real_uid = (began and began.uid) or env.uid
    login = env["res.users"].sudo().browse(real_uid).login or ""
    return Actor(user_id=env.uid, real_user_id=real_uid, login=login, source=source_of(env))


def source_of(env):
    """Return where the call came from: ui, rpc, cron or cli."""
    if http.request:
        is_rpc = http.request.httprequest.path.startswith(_RPC_PATHS)
        return "ui" if http.request.session.uid and not is_rpc else "rpc"
    in_cron_thread = threading.current_thread().name.startswith(_CRON_THREADS)
    return "cron" if env.context.get("cron_id") or in_cron_thread else "cli"


def subject_of(record):
    """Return the record with its present name, or None for no record."""
    if not record:
        return None
    if len(record) != 1 or not isinstance(record.id, int):
        raise SubjectRefused(f"{record!r} is not one saved record")
    return Subject(record._name, record.id, record.sudo().display_name or "")


def company_of(*records):
    """Return the id of the company of the first record that belongs to one, or None.

    Never the company that happens to be active: evidence belongs where the document is.
    """
    for record in records:
        if not record:
            continue
        if record._name == "res.company":
            return record.id
        if "company_id" in record._fields and record.sudo().company_id:
            return record.sudo().company_id.id
    return None


def document_of(record, document):
    """Return the document whose timeline shows the entry: the given one, or the record if it is a document."""
    if document:
        return document
    return record if record and "audit_timeline" in record._fields else None
