-- What the ORM reads. A view that starts with WITH takes no INSERT, UPDATE or DELETE.
DROP VIEW IF EXISTS public.finance_audit_entry;
CREATE VIEW public.finance_audit_entry AS
WITH evidence AS (SELECT * FROM finance_audit.entry)
SELECT
    evidence.id,
    evidence.uid::text AS uid,
    evidence.created_at AT TIME ZONE 'UTC' AS created_at,
    evidence.company_id,
    -- A user deleted since must not make the evidence unreadable; the login stays in it.
    acting.id AS user_id,
    logged_in.id AS real_user_id,
    evidence.user_login,
    evidence.source,
    evidence.action,
    evidence.outcome,
    evidence.summary,
    evidence.record_model,
    evidence.record_id,
    evidence.record_name,
    evidence.document_model,
    evidence.document_id,
    evidence.document_name,
    evidence.correlation_id,
    convert_from(evidence.canonical, 'UTF8') AS canonical_text,
    encode(evidence.leaf_hash, 'hex') AS leaf_hash,
    CASE WHEN evidence.sensitive_hash IS NULL THEN 'none'
         WHEN EXISTS (SELECT FROM finance_audit.erasable WHERE erasable.uid = evidence.uid) THEN 'kept'
         ELSE 'erased' END AS erasable_state
FROM evidence
LEFT JOIN public.res_users AS acting ON acting.id = evidence.user_id
LEFT JOIN public.res_users AS logged_in ON logged_in.id = evidence.real_user_id;

COMMENT ON VIEW public.finance_audit_entry IS 'Read-only view of finance_audit.entry for Odoo.';
