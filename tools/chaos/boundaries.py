"""Where a process can be killed: the moments between the steps of an effect, as data.

Those of the dispatcher are named in the code under test (``core.delivery.boundaries``), which reports them to whoever
observes. Those of the business transactions and of the comparison engine are reported by the harness itself.
"""

#: Of the dispatcher, in the order of one effect.
DISPATCHER = (
    "worker_entered",
    "claim_written",
    "claim_committed",
    "before_send",
    "after_send",
    "after_status_check",
    "before_outcomes",
    "throttle_written",
    "throttle_committed",
    "outcome_written",
    "outcomes_committed",
    "notification_written",
    "before_lease_renewal",
    "lease_renewed",
    "lost_claims_written",
    "probe_claimed",
    "probe_written",
    "webhook_events_written",
    "feed_claimed",
    "before_page",
    "page_written",
    "page_committed",
    "inbound_claimed",
    "inbound_handled",
    "inbound_committed",
)
#: Of the naive dispatcher.
SENT_NOT_STORED = "naive: sent, not stored"
NAIVE = (SENT_NOT_STORED, "naive: stored, not committed")
#: Of the business transactions and the operator.
QUEUED_NOT_COMMITTED = "business: queued, not committed"
QUEUED_COMMITTED = "business: queued and committed"
DECIDED_NOT_COMMITTED = "operator: decided, not committed"
ACCOUNTING = (QUEUED_NOT_COMMITTED, QUEUED_COMMITTED, DECIDED_NOT_COMMITTED)

#: Reached seldom: a process meant to end there is given the time, and ends the first time.
SELDOM = frozenset(
    {
        "worker_entered",
        "before_lease_renewal",
        "lease_renewed",
        "lost_claims_written",
        "probe_claimed",
        "probe_written",
        DECIDED_NOT_COMMITTED,
    }
)
#: Where a dispatcher may be suspended for longer than its lease, to continue later as if nothing had happened.
STALLS = ("claim_committed", "after_send", "outcome_written")

#: The boundaries at which a process of each role may be killed.
OF_ROLE = {
    "dispatcher_worker": DISPATCHER,
    "naive": NAIVE,
    "accounting_client": ACCOUNTING,
}
