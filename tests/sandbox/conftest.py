"""One sandbox in a thread for the whole run; every test starts from a clean one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# pytest imports this file as `sandbox.conftest` and puts this folder where the package belongs.
if getattr(sys.modules.get("sandbox"), "__file__", None) is None:
    sys.modules.pop("sandbox", None)
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

pytest.register_assert_rewrite("flow_client", "flow_contract", "reference_case", "reference_client")

from flow_client import FlowClient  # noqa: E402 - needs the lines above, as do the others
from flow_contract import Contract, load_specification  # noqa: E402

from sandbox.client import ControlClient  # noqa: E402
from sandbox.server import SandboxThread  # noqa: E402
from tools.dev import specifications  # noqa: E402


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxThread]:
    with SandboxThread() as running:
        yield running


@pytest.fixture
def control(sandbox: SandboxThread) -> Iterator[ControlClient]:
    with ControlClient(sandbox.url) as client:
        client.reset()
        yield client


@pytest.fixture(scope="session")
def any_contract() -> Contract | None:
    """Provide the provider's own specification, or nothing where it is not at hand."""
    document = load_specification()
    return Contract(document) if document else None


@pytest.fixture
def contract(any_contract: Contract | None) -> Contract:
    if any_contract is None:
        pytest.skip(specifications.missing("AFNOR OpenAPI document"))
    return any_contract


@pytest.fixture
def flows(control: ControlClient, any_contract: Contract | None) -> Iterator[FlowClient]:
    """Provide a client that checks every message against the specification, where that is at hand."""
    with FlowClient(control.url, any_contract) as client:
        yield client


@pytest.fixture(autouse=True)
def no_hidden_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing a client does may make the server log an error of its own."""
    yield
    # zeep 4.2 logs that it cannot read a date with an offset, which VIES sends; that is the client's error.
    errors = [
        record
        for record in caplog.get_records("call")
        if record.levelname == "ERROR" and not record.name.startswith("zeep.")
    ]
    assert errors == []
