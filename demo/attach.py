"""Points the sample's connection at a running sandbox and activates it, as a finance admin would."""

from .demo_users import login

#: The sandbox's own client, as its documentation gives it.
CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"


def attach(env, sandbox_url):
    """Fill in address and credentials, test, activate. Fails loudly when the sandbox does not answer."""
    admin = env["res.users"].search([("login", "=", login("admin")["login"])])
    connections = env["finance.connection"].with_user(admin).with_company(admin.company_id)
    for connection in connections.sudo().search([("provider", "=", "afnor")]).with_user(admin):
        connection.with_context(allowed_company_ids=admin.company_ids.ids).write(
            {
                "base_url": f"{sandbox_url}/afnor/flow-service",
                "afnor_token_url": f"{sandbox_url}/afnor/oauth/token",
                "afnor_client_id": CLIENT_ID,
                "afnor_client_secret": CLIENT_SECRET,
            }
        )
        connection.action_test()
        if connection.last_test_result != "ok":
            raise RuntimeError(f"the sandbox does not answer: {connection.last_test_message}")
        connection.action_activate()
