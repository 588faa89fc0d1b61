-- How much each of these connections has due (counted up to what could be taken) and has on its way.
SELECT c.id, c.company_id,
       (SELECT count(*) FROM (
            SELECT 1 FROM finance_exchange d
             WHERE d.connection_id = c.id AND d.claim_token IS NULL
               AND d.state IN ('pending', 'unknown', 'waiting')
               AND d.next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
             LIMIT %(limit)s) AS due),
       (SELECT count(*) FROM finance_exchange x
         WHERE x.connection_id = c.id AND x.claim_token IS NOT NULL)
  FROM finance_connection c
 WHERE c.id = ANY(%(connections)s)
 ORDER BY c.id
