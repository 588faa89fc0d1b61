"""The control API from Python: ``ControlClient("http://127.0.0.1:8070").fault("drop_after")``.

For tests, demos and benchmarks. Answers are the plain JSON values of the control API.
"""

from __future__ import annotations

import time
from typing import Any

import requests
from typing_extensions import Self

TIMEOUT = 30
POLL = 0.05


class ControlError(Exception):
    """The control API refused; the message lists what is wrong."""


class ControlClient:
    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    # The service

    def wait_ready(self, timeout: float = 20) -> ControlClient:
        """Return as soon as the sandbox answers; ``TimeoutError`` if it never does."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._call("GET", "health")
            except requests.ConnectionError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no sandbox at {self.url}") from error
                time.sleep(POLL)
            else:
                return self

    def reset(self) -> None:
        self._call("POST", "reset")

    def down(self, provider: str | None = None) -> None:
        self._call("POST", "down", {"provider": provider} if provider else {})

    def up(self, provider: str | None = None) -> None:
        self._call("POST", "up", {"provider": provider} if provider else {})

    def advance(self, seconds: float) -> dict[str, Any]:
        return self._call("POST", "clock", {"advance": seconds})

    def limit(self, provider: str, per_second: float, burst: float | None = None) -> None:
        burst_given = {} if burst is None else {"burst": burst}
        self._call("PUT", f"limits/{provider}", {"per_second": per_second, **burst_given})

    def no_limit(self, provider: str) -> None:
        self._call("DELETE", f"limits/{provider}")

    def windows(self, provider: str, group: str, **limits: int) -> None:
        """Limit a group of operations (``second=``, ``minute=``, ``hour=``); none removes the limits."""
        self._call("PUT", f"windows/{provider}/{group}", limits)

    def settings(self, provider: str, **changes: Any) -> dict[str, Any]:
        """Change settings and return them all."""
        return self._call("PATCH", f"settings/{provider}", changes)

    # Clients and tokens

    def set_client(self, provider: str, client: str, secret: str) -> None:
        self._call("PUT", f"clients/{provider}/{client}", {"secret": secret})

    def remove_client(self, provider: str, client: str) -> None:
        self._call("DELETE", f"clients/{provider}/{client}")

    def expire_tokens(self, provider: str, client: str | None = None) -> None:
        """Expire the tokens of one client, or of all."""
        params = {} if client is None else {"client": client}
        self._call("DELETE", f"tokens/{provider}", params=params)

    def token_lifetime(self, provider: str, seconds: int) -> None:
        self._call("PUT", f"tokens/{provider}", {"lifetime": seconds})

    # Faults and verdicts

    def fault(self, kind: str, **rule: Any) -> int:
        """Add a fault rule (``operation=``, ``times=``, ``seconds=`` …) and return its id."""
        return self._call("POST", "faults", {"kind": kind, **rule})["id"]

    def faults(self) -> list[dict[str, Any]]:
        return self._call("GET", "faults")

    def remove_fault(self, rule: int) -> None:
        self._call("DELETE", f"faults/{rule}")

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def verdict(self, verdict: str, **rule: Any) -> int:
        """Add a verdict rule (``number=``, ``reasons=``, ``looks=`` …) and return its id."""
        return self._call("POST", "verdicts", {"verdict": verdict, **rule})["id"]

    def default_verdict(self, verdict: str, **rule: Any) -> None:
        self._call("PUT", "verdicts/default", {"verdict": verdict, **rule})

    def verdicts(self) -> dict[str, Any]:
        return self._call("GET", "verdicts")

    def remove_verdict(self, rule: int) -> None:
        self._call("DELETE", f"verdicts/{rule}")

    def clear_verdicts(self) -> None:
        self._call("DELETE", "verdicts")

    def decide(
        self,
        provider: str,
        reference: str,
        outcome: str,
        reasons: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Accept or reject a waiting document now."""
        body = {"outcome": outcome, **({"reasons": reasons} if reasons else {})}
        return self._call("POST", f"decisions/{provider}/{reference}", body)

    # What happened

    def oracle(self, provider: str, **filters: str) -> list[dict[str, Any]]:
        """Return the documents the authority received, oldest first."""
        return self._call("GET", f"oracle/{provider}", params=filters)

    def oracle_bytes(self, provider: str, reference: str) -> bytes:
        return self._request("GET", f"oracle/{provider}/{reference}/bytes").content

    def summary(self, provider: str) -> dict[str, Any]:
        return self._call("GET", f"oracle/{provider}/summary")

    def taken(self, provider: str) -> list[dict[str, Any]]:
        """Return for each account, kind and number how often it was received and is held."""
        return self._call("GET", f"oracle/{provider}/taken")

    def issue(self, provider: str, **document: Any) -> dict[str, Any]:
        """Let the provider have a document for a client, and return how it is filed."""
        return self._call("POST", f"issued/{provider}", document)

    def issued(self, provider: str) -> list[dict[str, Any]]:
        """Return what the provider issued, oldest first."""
        return self._call("GET", f"issued/{provider}")

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        return self._call("GET", "requests", params=filters)

    def counts(self, provider: str) -> dict[str, int]:
        """How many requests of each operation arrived since the last reset."""
        return self._call("GET", "requests/counts").get(provider, {})

    def clear_requests(self) -> None:
        self._call("DELETE", "requests")

    def webhooks(self) -> list[dict[str, Any]]:
        return self._call("GET", "webhooks")

    def _call(self, method: str, path: str, body: Any = None, params: Any = None) -> Any:
        response = self._request(method, path, json=body, params=params)
        return response.json() if response.content else None

    def _request(self, method: str, path: str, **details: Any) -> requests.Response:
        url = f"{self.url}/control/{path}"
        response = self._session.request(method, url, timeout=self._timeout, **details)
        if not response.ok:
            raise ControlError(f"{method} /control/{path}: {response.status_code} {response.text}")
        return response
