-- Exchanges as plain values; locks them, so that what is decided from them holds until the commit.
SELECT id, connection_id, company_id, operation, idempotency_key, correlation_id, payload_sha256,
       contract_version, document_model, document_id, document_name, owner_id IS NOT NULL, claim_token,
       state, send_count, tries, step_count, maybe_sent, in_doubt, reference,
       EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC') - sent_at)::float8
  FROM finance_exchange
 WHERE id = ANY(%(ids)s)
 ORDER BY id
   FOR UPDATE
