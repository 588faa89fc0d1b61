"""Errors in the facts of an entry, with stable codes.

They are programming errors of the caller, never mistakes of a user; hence no UserError.
"""


class AuditValueError(ValueError):
    """The facts cannot become evidence."""

    code = "audit.value"

    def __init__(self, message: str, path: str = ""):
        self.path = path
        where = f" at {path}" if path else ""
        super().__init__(f"[{self.code}] {message}{where}")


class FloatRefused(AuditValueError):
    """A binary float: pass a Decimal, or the amount as a string."""

    code = "audit.float"


class ValueRefused(AuditValueError):
    """A value without an unambiguous JSON form."""

    code = "audit.unsupported"


class ActionRefused(AuditValueError):
    """An action id is lower-case words joined by dots, such as `exchange.accepted`."""

    code = "audit.action"


class OutcomeRefused(AuditValueError):
    """An outcome is one of info, success, warning, failure."""

    code = "audit.outcome"


class SubjectRefused(AuditValueError):
    """An entry is about exactly one saved record."""

    code = "audit.subject"
