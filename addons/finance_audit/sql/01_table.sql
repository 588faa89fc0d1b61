-- The evidence itself. Re-runnable: executed at install and at every upgrade, never loses a row.
-- No foreign keys: evidence outlives what it describes.
CREATE SCHEMA IF NOT EXISTS finance_audit;

CREATE TABLE IF NOT EXISTS finance_audit.entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid uuid NOT NULL,
    created_at timestamptz NOT NULL,
    company_id integer,
    user_id integer NOT NULL,
    real_user_id integer NOT NULL,
    user_login text NOT NULL,
    source text NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    summary text NOT NULL,
    record_model text,
    record_id bigint,
    record_name text,
    document_model text,
    document_id bigint,
    document_name text,
    correlation_id text,
    -- The exact RFC 8785 bytes. The columns above are read from them.
    canonical bytea NOT NULL,
    -- RFC 6962, section 2.1: SHA-256(0x00 || canonical).
    leaf_hash bytea NOT NULL,
    -- Salted hash of an erasable part that is stored in finance_audit.erasable.
    sensitive_hash bytea
);

-- In which transaction an entry was written: a sealer asks for what transactions wrote that it could
-- not see before. Entries from before this column have 0, which is before every transaction.
ALTER TABLE finance_audit.entry ADD COLUMN IF NOT EXISTS xact xid8 NOT NULL DEFAULT '0'::xid8;
ALTER TABLE finance_audit.entry ALTER COLUMN xact SET DEFAULT pg_current_xact_id();

CREATE INDEX IF NOT EXISTS entry_seal_idx
    ON finance_audit.entry ((COALESCE(company_id, 0)), xact, id);
-- The view shows UTC without offset, as Odoo stores times; the index serves exactly that form.
CREATE INDEX IF NOT EXISTS entry_company_time_idx
    ON finance_audit.entry (company_id, (created_at AT TIME ZONE 'UTC'));
CREATE INDEX IF NOT EXISTS entry_document_idx
    ON finance_audit.entry (document_model, document_id) WHERE document_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_record_idx
    ON finance_audit.entry (record_model, record_id) WHERE record_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_correlation_idx
    ON finance_audit.entry (correlation_id) WHERE correlation_id IS NOT NULL;
-- The last word on protection is asked for at every start: a handful of rows.
CREATE INDEX IF NOT EXISTS entry_protection_idx
    ON finance_audit.entry (id) WHERE action LIKE 'audit.protection.%';

COMMENT ON TABLE finance_audit.entry IS
    'Append-only evidence. Correct by adding an entry. Export before uninstalling.';
