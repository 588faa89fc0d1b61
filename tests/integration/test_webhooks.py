"""Webhooks on a real server: the platform's own, the same message in parallel, and requests that are not authorised."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

BEARER = "agreed-with-the-platform"
AT_ONCE = 12


class WebhookEndpoint:
    """The webhook URL of the French connection, as a finance admin generates it."""

    def __init__(self, accounting):
        self.accounting = accounting
        self.admin = accounting.session("admin")
        self.operator = accounting.session("operator")
        domain = [("provider", "=", "afnor"), ("company_id", "=", accounting.company)]
        self.connection = self.admin.search_read("finance.connection", domain, ["id"])[0]["id"]
        self.call("write", {"webhook_secret": BEARER})
        self.call("action_renew_webhook_token")
        (read,) = self.call("read", ["webhook_url"])
        self.url = (
            f"{accounting.stack.url}/finance/webhook/{read['webhook_url'].rpartition('/')[2]}"
        )

    def call(self, method, *args):
        return self.admin.call(
            "finance.connection", method, [self.connection], *args, context=self.accounting.context
        )

    def post(self, content, bearer=BEARER):
        """Return the status of the answer to one message."""
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        with requests.Session() as session:
            session.trust_env = False
            return session.post(self.url, json.dumps(content), headers=headers).status_code

    def received(self):
        return self.operator.call(
            "finance.webhook.event",
            "search_read",
            [("connection_id", "=", self.connection)],
            ["state", "exchange_id", "reference", "reason"],
            context=self.accounting.context,
        )


@pytest.fixture
def endpoint(accounting):
    made = WebhookEndpoint(accounting)
    before = {row["id"] for row in made.received()}
    made.new = lambda: [row for row in made.received() if row["id"] not in before]
    yield made
    accounting.control.settings("afnor", webhook_url=None, webhook_bearer=None)
    made.call("action_close_webhook")


def test_the_platform_calls_back_and_its_invoice_is_found(accounting, endpoint):
    accounting.control.settings("afnor", webhook_url=endpoint.url, webhook_bearer=BEARER)
    accounting.control.verdict("late", provider="afnor", seconds=2)
    moves = accounting.post(accounting.invoices())
    accounting.until(moves, "filed")
    accounting.until_true(
        lambda: {row["state"] for row in endpoint.new()} == {"processed"},
        "the webhook event to be processed",
    )
    (event,) = endpoint.new()
    (exchange,) = accounting.exchanges(moves, "reference")
    assert event["exchange_id"][0] == exchange["id"]
    assert event["reference"] == exchange["reference"]
    assert [item["tries"] for item in accounting.control.webhooks()][-1] == [200]
    (received,) = accounting.received(moves)
    assert received["times_received"] == 1


def test_the_same_message_at_the_same_time_is_stored_once(endpoint):
    content = {"flowInfo": {"flowId": "at-the-same-time", "flowDirection": "Out"}}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _number: endpoint.post(content), range(AT_ONCE)))
    assert answers == [200] * AT_ONCE
    assert len(endpoint.new()) == 1


def test_anybody_else_is_refused_and_leaves_nothing(accounting, endpoint):
    moves = accounting.post(accounting.invoices())
    accounting.until(moves, "filed")
    content = {"flowInfo": {"flowId": "forged", "acknowledgement": {"status": "Error"}}}
    assert endpoint.post(content, bearer="guessed-by-somebody-else") == 401
    endpoint.url += "x"
    assert endpoint.post(content) == 401
    assert endpoint.new() == []
    assert accounting.states(moves) == {"filed"}
