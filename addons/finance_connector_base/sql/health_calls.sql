-- Calls of the last hour per connection: how many have ended, how many of them without a usable answer, and how long
-- the provider takes for 95 of 100 answers. The time of the transaction, because only a stable one can use the index.
SELECT connection_id, count(*), count(*) FILTER (WHERE outcome = ANY(%(errors)s)),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE http_status > 0)
  FROM finance_exchange_attempt
 WHERE connection_id = ANY(%(connections)s)
   AND started_at >= (now() AT TIME ZONE 'UTC') - interval '1 hour'
   AND outcome IS NOT NULL
 GROUP BY connection_id
