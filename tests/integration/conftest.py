import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from accounting_client import AccountingClient


@pytest.fixture
def accounting(stack):
    """The accounting client, with a platform that has no faults and accepts everything."""
    made = AccountingClient(stack)
    made.control.clear_faults()
    made.control.clear_verdicts()
    yield made
    made.control.clear_faults()
    made.control.clear_verdicts()
