-- What each of these connections has open: all, on their way, and since when the oldest waits that the provider does
-- not have yet. The list of states is that of the index on the state, so that what is done costs nothing.
SELECT connection_id, count(*), count(*) FILTER (WHERE claim_token IS NOT NULL),
       EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC')
                          - min(create_date) FILTER (WHERE state IN ('pending', 'sending', 'unknown')))::float8
  FROM finance_exchange
 WHERE state IN ('pending', 'sending', 'waiting', 'unknown', 'held')
   AND connection_id = ANY(%(connections)s)
 GROUP BY connection_id
