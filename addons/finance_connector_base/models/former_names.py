"""Former names of renamed models. Audit entries are immutable and keep the name a model had when
they were written.
"""

FORMER_NAMES = {
    "finance.webhook.event": ("finance.callback",),
}


def names_of(model):
    """Return every name under which the audit log knows a model, the present one first."""
    return [model, *FORMER_NAMES.get(model, ())]
