"""Calls models of a running Odoo server as a given user, the way the web client does."""

import http.cookiejar
import itertools
import json
import urllib.request
from typing import Any

_TIMEOUT = 120


class RpcError(Exception):
    """What the server answered instead of a result: the exception's name and its message."""

    def __init__(self, name: str, message: str, debug: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.debug = debug


class Rpc:
    """A user's session."""

    def __init__(self, url: str, database: str, login: str, password: str) -> None:
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # No proxy of the machine may come between a test and its own server.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._ids = itertools.count(1)
        credentials = {"db": database, "login": login, "password": password}
        self.uid: int = self.post("/web/session/authenticate", credentials)["uid"]

    def post(self, path: str, params: dict[str, Any]) -> Any:
        """One JSON-RPC request to a route."""
        body = {"jsonrpc": "2.0", "method": "call", "id": next(self._ids), "params": params}
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with self._opener.open(request, timeout=_TIMEOUT) as response:
            answer = json.load(response)
        if "error" in answer:
            data = answer["error"].get("data", {})
            name, message = data.get("name", "error"), data.get("message", "")
            raise RpcError(name, message or answer["error"]["message"], data.get("debug", ""))
        return answer.get("result")

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a public method of a model."""
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        return self.post(f"/web/dataset/call_kw/{model}/{method}", params)

    def create(self, model: str, values: dict[str, Any]) -> int:
        """Create one record; its id."""
        created = self.call(model, "create", [values])
        return created[0] if isinstance(created, list) else created

    def read(self, model: str, ids: int | list[int], fields: list[str]) -> list[dict[str, Any]]:
        """Fields of records."""
        wanted = [ids] if isinstance(ids, int) else ids
        return self.call(model, "read", wanted, fields)

    def search_read(self, model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        """Fields of the records that a domain selects."""
        return self.call(model, "search_read", domain, fields)
