"""Whether code typed into the database (server actions, templates) asks for what only addons may do.

An underscore makes a method private for remote calls only: expressions of server actions, computed fields and
templates reach it. What forges evidence or system fields therefore looks at the Python stack. Such expressions
run with builtins of their own (Odoo's ``safe_eval`` and QWeb replace them), functions defined in them too, which
distinguishes their frames from the code of modules. The stack cannot be changed from within such an expression.
"""

from __future__ import annotations

import builtins
import sys
from types import FrameType

_SUITE = "odoo.addons.finance_"
#: Scheduled actions call these from an expression; they take no text or values from it.
_SCHEDULED = "_cron_"
#: Parts of Odoo between the caller of a write and the model's override of it.
_ORM = ("odoo.orm", "odoo.models", "odoo.fields", "odoo.api")
_WRITERS = frozenset(
    {"create", "write", "copy", "load", "web_save", "web_save_multi", "unlink", "name_create"}
)


class RestrictedCode(Exception):
    """An expression stored in the database called what is reserved for the code of addons."""


def private_entry() -> str:
    """Return the private suite function that restricted code called directly, or an empty text.

    A public method called by a server action is a business operation, and what it records is true. A private one
    takes its facts from the caller.
    """
    callee: FrameType | None = None
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if _is_restricted(frame) and callee is not None and _is_private(callee):
            return callee.f_code.co_name
        callee, frame = frame, frame.f_back
    return ""


def refuse_private_entry() -> None:
    """Refuse where restricted code is the source of what is about to be recorded.

    :raises RestrictedCode: it called a private method of the suite.
    """
    if name := private_entry():
        raise RestrictedCode(f"{name} is reserved for the code of addons")


def is_written_by_suite() -> bool:
    """Return whether the write in progress was requested by the suite's own code, or by a program outside of Odoo.

    Call it from an override of ``create`` or ``write``.
    """
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and _is_between(frame):
        frame = frame.f_back
    if frame is None:
        return True
    module = frame.f_globals.get("__name__", "")
    if _is_restricted(frame) or (module.startswith("odoo.") and not module.startswith(_SUITE)):
        return False
    return not private_entry()


def _is_between(frame: FrameType) -> bool:
    if _is_restricted(frame):
        return False
    module = frame.f_globals.get("__name__", "")
    # The message and activity mixins override write and create, too.
    return module.startswith(_ORM) or frame.f_code.co_name in {*_WRITERS, *_HELPERS}


#: Helpers of the overrides that ask.
_HELPERS = frozenset({"_refuse_system_fields", "_refuse_foreign_write"})


def _is_restricted(frame: FrameType) -> bool:
    return frame.f_builtins is not builtins.__dict__


def _is_private(frame: FrameType) -> bool:
    name = frame.f_code.co_name
    return (
        frame.f_globals.get("__name__", "").startswith(_SUITE)
        and name.startswith("_")
        and not name.startswith(_SCHEDULED)
    )
