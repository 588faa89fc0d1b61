-- The one way in: the columns are read from the bytes (two parallel arrays, one row each).
INSERT INTO finance_audit.entry (
    uid, created_at, company_id, user_id, real_user_id, user_login, source, action, outcome,
    summary, record_model, record_id, record_name, document_model, document_id, document_name,
    correlation_id, sensitive_hash, canonical, leaf_hash
)
SELECT
    told.uid, told.created_at, told.company_id, told.user_id, told.real_user_id, told.user_login,
    told.source, told.action, told.outcome, told.summary, told.record_model, told.record_id,
    told.record_name, told.document_model, told.document_id, told.document_name,
    told.correlation_id, told.sensitive_hash, given.canonical, given.leaf_hash
FROM unnest(%(canonical)s::bytea[], %(leaf_hash)s::bytea[])
    WITH ORDINALITY AS given(canonical, leaf_hash, place)
CROSS JOIN LATERAL jsonb_populate_record(
    NULL::finance_audit.entry, convert_from(given.canonical, 'UTF8')::jsonb
) AS told
ORDER BY given.place
