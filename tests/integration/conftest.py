import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from office import Office


@pytest.fixture
def office(stack):
    """Provide the office, with a platform that has no faults and accepts everything."""
    made = Office(stack)
    made.control.clear_faults()
    made.control.clear_verdicts()
    yield made
    made.control.clear_faults()
    made.control.clear_verdicts()
