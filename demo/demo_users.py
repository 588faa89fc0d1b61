"""Who may log in to the sample, and what each role may do."""

import json
from pathlib import Path

LOGINS = json.loads((Path(__file__).parent / "logins.json").read_text())

_ACCOUNTANT = (
    "account.group_account_user",
    "account.group_account_invoice",
    "base.group_partner_manager",
)
_GROUPS = {
    "accountant@sample.example": _ACCOUNTANT,
    "comptable@sample.example": _ACCOUNTANT,
    "admin@sample.example": (
        "finance_connector_base.group_admin",
        "account.group_account_manager",
        "base.group_system",
    ),
    "operator@sample.example": (
        "finance_connector_base.group_operator",
        "account.group_account_readonly",
    ),
    "auditor@sample.example": (
        "finance_audit.group_auditor",
        "account.group_account_readonly",
    ),
}


def login(role: str) -> dict[str, str]:
    """Return the login whose name begins with ``role``: accountant, admin, operator, auditor, comptable."""
    return next(person for person in LOGINS if person["login"].startswith(role))


def add_users(env, companies):
    """Create the users with access to all sample companies."""
    base = env.ref("base.group_user") | env.ref("base.group_multi_company")
    for person in LOGINS:
        groups = base
        for name in _GROUPS[person["login"]]:
            groups |= env.ref(name)
        users = env["res.users"].with_context(no_reset_password=True)
        # The chat of Odoo's helper would cover the screens of a first visit.
        quiet = {"odoobot_state": "disabled"} if "odoobot_state" in users._fields else {}
        users.create(
            {
                **quiet,
                "name": person["name"],
                "login": person["login"],
                "password": person["password"],
                "lang": person.get("lang", "en_US"),
                "tz": "Europe/Paris",
                "company_id": companies[0].id,
                "company_ids": [(6, 0, companies.ids)],
                "group_ids": [(6, 0, groups.ids)],
                "action_id": env.ref("finance_connector_base.finance_overview_action").id,
            }
        )
