-- The worker is gone: what its open attempts brought is not known.
UPDATE finance_exchange_attempt a
   SET ended_at = clock_timestamp() AT TIME ZONE 'UTC', outcome = 'lost'
 WHERE a.token = ANY(%(tokens)s) AND a.outcome IS NULL
