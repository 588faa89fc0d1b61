"""Delivery of one effect: states, transitions, outcomes, retries, throttling."""
