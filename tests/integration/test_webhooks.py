"""Callbacks on a real server: the platform's own, the same message at the same time, and those of anybody else."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

BEARER = "agreed-with-the-platform"
AT_ONCE = 12


class Desk:
    """The webhook URL of the French connection, as a finance admin generates it."""

    def __init__(self, office):
        self.office = office
        self.admin = office.session("admin")
        self.operator = office.session("operator")
        domain = [("provider", "=", "afnor"), ("company_id", "=", office.company)]
        self.connection = self.admin.search_read("finance.connection", domain, ["id"])[0]["id"]
        self.call("write", {"webhook_secret": BEARER})
        self.call("action_renew_webhook_token")
        (read,) = self.call("read", ["webhook_url"])
        self.url = f"{office.stack.url}/finance/webhook/{read['webhook_url'].rpartition('/')[2]}"

    def call(self, method, *args):
        return self.admin.call(
            "finance.connection", method, [self.connection], *args, context=self.office.context
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
            context=self.office.context,
        )


@pytest.fixture
def desk(office):
    made = Desk(office)
    before = {row["id"] for row in made.received()}
    made.new = lambda: [row for row in made.received() if row["id"] not in before]
    yield made
    office.control.settings("afnor", webhook_url=None, webhook_bearer=None)
    made.call("action_close_webhook")


def test_the_platform_calls_back_and_its_invoice_is_found(office, desk):
    office.control.settings("afnor", webhook_url=desk.url, webhook_bearer=BEARER)
    office.control.verdict("late", provider="afnor", seconds=2)
    moves = office.post(office.invoices())
    office.until(moves, "filed")
    office.until_true(
        lambda: {row["state"] for row in desk.new()} == {"processed"},
        "the webhook event to be processed",
    )
    (event,) = desk.new()
    (exchange,) = office.exchanges(moves, "reference")
    assert event["exchange_id"][0] == exchange["id"]
    assert event["reference"] == exchange["reference"]
    assert [item["tries"] for item in office.control.webhooks()][-1] == [200]
    (received,) = office.received(moves)
    assert received["times_received"] == 1


def test_the_same_message_at_the_same_time_is_stored_once(desk):
    content = {"flowInfo": {"flowId": "at-the-same-time", "flowDirection": "Out"}}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _number: desk.post(content), range(AT_ONCE)))
    assert answers == [200] * AT_ONCE
    assert len(desk.new()) == 1


def test_anybody_else_is_refused_and_leaves_nothing(office, desk):
    moves = office.post(office.invoices())
    office.until(moves, "filed")
    content = {"flowInfo": {"flowId": "forged", "acknowledgement": {"status": "Error"}}}
    assert desk.post(content, bearer="guessed-by-somebody-else") == 401
    desk.url += "x"
    assert desk.post(content) == 404
    assert desk.new() == []
    assert office.states(moves) == {"filed"}
