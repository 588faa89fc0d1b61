-- What the ORM reads. Views over several tables accept no INSERT, UPDATE or DELETE. They contain no WITH, which
-- would make PostgreSQL read the whole table before a LIMIT applies.
DROP VIEW IF EXISTS public.finance_audit_entry;
CREATE VIEW public.finance_audit_entry AS
SELECT
    evidence.id,
    evidence.uid::text AS uid,
    evidence.created_at AT TIME ZONE 'UTC' AS created_at,
    evidence.company_id,
    -- The evidence must remain readable when a user was deleted; it contains the login.
    acting.id AS user_id,
    logged_in.id AS real_user_id,
    evidence.user_login,
    evidence.source,
    evidence.action,
    evidence.outcome,
    evidence.summary AS recorded_summary,
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
FROM finance_audit.entry AS evidence
LEFT JOIN public.res_users AS acting ON acting.id = evidence.user_id
LEFT JOIN public.res_users AS logged_in ON logged_in.id = evidence.real_user_id;

COMMENT ON VIEW public.finance_audit_entry IS 'Read-only view of finance_audit.entry for Odoo.';

DROP VIEW IF EXISTS public.finance_audit_anchor;
DROP VIEW IF EXISTS public.finance_audit_checkpoint;
CREATE VIEW public.finance_audit_checkpoint AS
SELECT
    evidence.id,
    company.id AS company_id,
    evidence.log_id,
    evidence.size,
    encode(evidence.root, 'hex') AS root,
    evidence.origin,
    evidence.key_ids,
    evidence.note,
    evidence.signed_at AT TIME ZONE 'UTC' AS signed_at,
    (SELECT count(*) FROM finance_audit.anchor WHERE checkpoint_id = evidence.id)::integer
        AS anchor_count
FROM finance_audit.checkpoint AS evidence
LEFT JOIN public.res_company AS company ON company.id = evidence.log_id;

CREATE VIEW public.finance_audit_anchor AS
SELECT
    evidence.id,
    evidence.checkpoint_id::integer AS checkpoint_id,
    company.id AS company_id,
    evidence.log_id,
    evidence.size,
    evidence.kind,
    evidence.target,
    octet_length(evidence.token) AS token_bytes,
    evidence.stated_at AT TIME ZONE 'UTC' AS stated_at,
    evidence.created_at AT TIME ZONE 'UTC' AS created_at
FROM finance_audit.anchor AS evidence
LEFT JOIN public.res_company AS company ON company.id = evidence.log_id;
