"""Texts of cases in the language of the environment: decisions, refusals, and what the reader
should do.
"""

from ..core import cases
from ..core.delivery import states
from ..core.finding import Finding


def decision(env, name, reference, reason):
    """Return what a decision did, as the status of the exchange."""
    code = {
        cases.RETRY: "exchange.retried",
        cases.SEND_AGAIN: "exchange.resent",
        cases.ADOPT: "exchange.adopted",
        cases.CANCEL: "exchange.cancelled",
        cases.RELEASE: "exchange.released",
    }[name]
    args = {"user": env.user.name, "reference": reference, "reason": reason}
    given = {key: text for key, text in args.items() if text}
    return Finding(f"{code}_for" if reason else code, args=given)


def refusal(env, name, situation, subject):
    """Return why a decision is not possible now."""
    if situation.is_claimed:
        return env._("A status check of %s is in progress. Try again in a few seconds.", subject)
    if situation.state == states.REJECTED:
        return env._(
            "%s was rejected. Correct the document and submit it again; "
            "the same content would be rejected again.",
            subject,
        )
    if not situation.state:
        return env._("The case of %s can only be dismissed.", subject)
    fields = env["finance.case"]._fields
    return env._(
        "“%(decision)s” is not available for %(name)s in the status “%(state)s”.",
        decision=dict(fields["decision"]._description_selection(env))[name],
        name=subject,
        state=dict(fields["exchange_state"]._description_selection(env))[situation.state],
    )


def advice(case):
    """Return what the reader should do about an open case, by the rules that decide what is
    allowed.
    """
    _, situation = case.env._, case._situation()
    if not situation.state:
        return case.env["finance.finding"]._render(case.finding)[1] if case.finding else ""
    if situation.is_claimed:
        return _("A status check is in progress. Try again in a few seconds.")
    by_kind = {
        cases.CONTRADICTION: _(
            "The provider sent two contradicting verdicts. Check the provider's portal or contact "
            "their support; the recorded status is kept. Correct the document if necessary, then "
            "dismiss the case with the result."
        ),
        cases.NO_RECEIPT: _(
            "The document is accepted; only its receipt is missing. It is requested until it arrives, "
            "and the case then closes automatically. Contact the provider's support if it is needed now."
        ),
        cases.DAMAGED: _(
            "The stored payload was modified outside Finance Connect and will not be sent. Inform "
            "the database administrator, then cancel and create the document again."
        ),
    }
    by_state = {
        states.REJECTED: _(
            "Correct the document and submit it again; the case then closes automatically. "
            "If it was settled otherwise, dismiss the case with a reason."
        ),
        states.HELD: _("Nothing is sent until the exchange is released."),
        states.WAITING: _(
            "The provider received the document but has not decided. Retry checks the status now; "
            "if nothing changes, contact the provider's support."
        )
        if case.kind == cases.OVERDUE
        else _(
            "The provider received the document, but its responses cannot be read. Polling "
            "continues at a reduced rate. Check the provider's portal or inform the administrator "
            "of the connection."
        ),
    }
    return by_kind.get(case.kind) or by_state.get(situation.state) or _undelivered(_, situation)


def _undelivered(_, situation):
    if not situation.is_uncertain:
        return _(
            "Nothing was delivered. Fix the issue above and retry, or cancel and correct the document."
        )
    if cases.RETRY in cases.allowed(situation):
        return _(
            "The provider may have the document. Retry checks with the provider first. If the "
            "provider's record is known, link to it, or decide with a reason."
        )
    return _(
        "The provider may have the document, and this connection offers no status check. Check the "
        "provider's portal or contact their support: link to its record if it exists; resend or "
        "cancel with a reason if not."
    )
