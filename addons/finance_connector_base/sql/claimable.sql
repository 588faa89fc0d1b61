-- Due exchanges of one connection in the order they became due. Of a chain only the first open one may move:
-- one that is pending, on its way, unknown, held or failed keeps the later ones back (X10). The ids are fetched as an
-- array, because a join would be planned over everything that waits while statistics are older than a month end.
WITH RECURSIVE heads AS (
    (SELECT chain, id FROM finance_exchange
      WHERE connection_id = %(connection)s AND chain IS NOT NULL
        AND state IN ('pending', 'sending', 'unknown', 'held', 'failed')
      ORDER BY chain, id LIMIT 1)
    UNION ALL
    SELECT n.chain, n.id FROM heads h CROSS JOIN LATERAL (
        SELECT chain, id FROM finance_exchange
         WHERE connection_id = %(connection)s AND chain > h.chain
           AND state IN ('pending', 'sending', 'unknown', 'held', 'failed')
         ORDER BY chain, id LIMIT 1) n
), free AS (
    SELECT id FROM (
        (SELECT id, next_step_at FROM finance_exchange
          WHERE connection_id = %(connection)s AND claim_token IS NULL
            AND state IN ('pending', 'unknown', 'waiting')
            AND (chain IS NULL OR state = 'waiting')
            AND next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
          ORDER BY next_step_at, id LIMIT %(limit)s)
        UNION ALL
        (SELECT e.id, e.next_step_at FROM heads JOIN finance_exchange e ON e.id = heads.id
          WHERE e.claim_token IS NULL AND e.state IN ('pending', 'unknown')
            AND e.next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
          ORDER BY e.next_step_at, e.id LIMIT %(limit)s)
    ) both_kinds
    ORDER BY next_step_at, id LIMIT %(limit)s
)
SELECT id, connection_id, company_id, operation, idempotency_key, correlation_id, payload_sha256,
       contract_version, document_model, document_id, document_name, owner_id IS NOT NULL, claim_token,
       state, send_count, tries, step_count, maybe_sent, in_doubt, reference,
       EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC') - sent_at)::float8,
       payload, parameters
  FROM finance_exchange e
 WHERE id = ANY(ARRAY(SELECT id FROM free))
   AND claim_token IS NULL
   AND state IN ('pending', 'unknown', 'waiting')
 ORDER BY next_step_at, id
   FOR UPDATE SKIP LOCKED
