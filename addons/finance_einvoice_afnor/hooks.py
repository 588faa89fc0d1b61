"""What happens when the addon is uninstalled."""


def uninstall_hook(env):
    """Pause the connections and close what is open; records and their evidence stay readable."""
    env["finance.connection"]._retire_provider("afnor")
