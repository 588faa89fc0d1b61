"""What happens when the addon is uninstalled."""


def uninstall_hook(env):
    """Pause the connections; their results stay readable as evidence."""
    for provider in ("vies", "hmrc"):
        env["finance.connection"]._retire_provider(provider)
