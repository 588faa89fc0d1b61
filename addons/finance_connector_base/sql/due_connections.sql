-- Which of these connections have anything due; no lock, so that an idle look costs next to nothing.
SELECT c.id
  FROM finance_connection c
 WHERE c.id = ANY(%(connections)s)
   AND c.state = 'active'
   AND EXISTS (
       SELECT 1 FROM finance_exchange d
        WHERE d.connection_id = c.id AND d.claim_token IS NULL
          AND d.state IN ('pending', 'unknown', 'waiting')
          AND d.next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
   )
 ORDER BY c.id
