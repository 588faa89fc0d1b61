"""The companies of a run: connections, chains, policies with short delays, an operator who decides.

Runs in the process host before anything else does.
"""

import base64

from .plan import CHAINS, COMPANIES, CONNECTIONS

OPERATOR = "chaos-operator"
API_KEY = "chaos-key-"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of the chaos harness").decode()
#: A copy of each change of a state, made by the database itself: what the audit log is compared with.
_SHADOW = """
CREATE TABLE chaos_state (
    id bigserial PRIMARY KEY, exchange_id int NOT NULL, old varchar, new varchar NOT NULL);
CREATE FUNCTION chaos_note_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO chaos_state (exchange_id, new) VALUES (NEW.id, NEW.state);
    ELSIF NEW.state IS DISTINCT FROM OLD.state THEN
        INSERT INTO chaos_state (exchange_id, old, new) VALUES (NEW.id, OLD.state, NEW.state);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chaos_note_state AFTER INSERT OR UPDATE ON finance_exchange
    FOR EACH ROW EXECUTE FUNCTION chaos_note_state();
UPDATE ir_cron SET active = (cron_name LIKE 'Finance Connect: deliver%');
"""
#: One connection of each company is fast, the other is held back by limits of its own.
_LIMITS = ({}, {"max_parallel": 8, "rate_per_second": 60.0, "rate_burst": 30})


def account(number: int) -> str:
    """Name of a connection, and of its account at the provider."""
    return f"account-{number}"


def create_companies(env, sandbox_url: str) -> None:
    """Make everything; the caller commits."""
    operator = env["res.users"].create(
        {
            "name": "Operator",
            "login": OPERATOR,
            "group_ids": [
                (4, env.ref("base.group_user").id),
                (4, env.ref("finance_connector_base.group_operator").id),
                (4, env.ref("finance_connector_base.group_admin").id),
            ],
        }
    )
    for company_number in range(COMPANIES):
        company = env["res.company"].create({"name": f"Company {company_number}"})
        operator.company_ids |= company
        for number in range(CONNECTIONS):
            connection = _connection(
                env, company, company_number * CONNECTIONS + number, number, sandbox_url
            )
            _open(connection.with_user(operator))
    env.flush_all()
    env.cr.execute(_SHADOW)


def _connection(env, company, place, number, sandbox_url):
    connection = env["finance.connection"].create(
        {
            "name": account(place),
            "company_id": company.id,
            "provider": "reference",
            "environment": "sandbox",
            "base_url": f"{sandbox_url}/reference",
            "reference_api_key": f"{API_KEY}{place}",
            "reference_account": account(place),
            "breaker_threshold": 8,
            "breaker_seconds": 0.5,
            **_LIMITS[number % len(_LIMITS)],
        }
    )
    env["finance.retry.policy"].create(
        {
            "connection_id": connection.id,
            "base_seconds": 0.2,
            "ceiling_seconds": 2.0,
            "poll_ceiling_seconds": 2.0,
        }
    )
    for chain in range(CHAINS):
        env["finance.reference.chain"].create(
            {"name": f"chain-{chain}", "connection_id": connection.id}
        )
    return connection


def _open(connection):
    connection.webhook_secret = WEBHOOK_SECRET
    connection.action_renew_webhook_token()
    connection.action_test()
    connection.action_activate()
