-- What the ORM reads of checkpoints and anchors.
DROP VIEW IF EXISTS public.finance_audit_anchor;
DROP VIEW IF EXISTS public.finance_audit_checkpoint;
CREATE VIEW public.finance_audit_checkpoint AS
WITH evidence AS (SELECT * FROM finance_audit.checkpoint)
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
FROM evidence
LEFT JOIN public.res_company AS company ON company.id = evidence.log_id;

CREATE VIEW public.finance_audit_anchor AS
WITH evidence AS (SELECT * FROM finance_audit.anchor)
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
FROM evidence
LEFT JOIN public.res_company AS company ON company.id = evidence.log_id;
