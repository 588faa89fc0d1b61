"""The result of a query: an answer, or the reason why the provider could not be asked.

A query has no effect. "Could not be asked" is a result of its own and never means "no".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .delivery.outcomes import Outcome
from .finding import Finding

#: Longest time a query may take; a user is waiting for it.
MAX_QUERY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class QueryReply:
    """What a query resulted in.

    ``code`` is that of the answer and empty where there is none; ``finding`` then says why.
    ``attempt`` is the token of the attempt, empty where no call was made. Times are UTC.
    """

    asked_at: dt.datetime
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    proof: str = ""
    valid_until: dt.datetime | None = None
    outcome: Outcome | None = None
    finding: Finding | None = None
    attempt: str = ""

    @property
    def is_answered(self) -> bool:
        """Return whether the provider answered the question."""
        return bool(self.code)
