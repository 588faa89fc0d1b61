"""The one error the tools raise on purpose: what went wrong, and what the user can do about it."""


class Problem(Exception):
    """An error to report to the user; printed without a traceback."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(f"{what}\n  {hint}" if hint else what)


class Offline(Problem):
    """A server that packages come from could not be reached."""
