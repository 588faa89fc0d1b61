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

-- The transaction that wrote an entry: a sealer selects what transactions wrote that it could not see before.
-- Entries from before this column have 0, which is before every transaction.
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
-- The last entry about the protection is read at every start; there are only a few.
CREATE INDEX IF NOT EXISTS entry_protection_idx
    ON finance_audit.entry (id) WHERE action LIKE 'audit.protection.%';

COMMENT ON TABLE finance_audit.entry IS
    'Append-only evidence. Correct by adding an entry. Export before uninstalling.';

-- Order and proof of the entries. A log is the id of a company, or 0 for entries without company.
-- Positions are assigned by seals: entry_ids[1] of a seal is at first_position (counted from 0).
CREATE TABLE IF NOT EXISTS finance_audit.seal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id integer NOT NULL,
    first_position bigint NOT NULL,
    size bigint NOT NULL,
    entry_ids bigint[] NOT NULL,
    -- 32 bytes for each entry; kept beside the entries so that the first changed one can be named.
    leaf_hashes bytea NOT NULL,
    -- Roots of the complete subtrees, largest first: what the next seal begins with.
    frontier bytea NOT NULL,
    root bytea NOT NULL,
    low_id bigint NOT NULL,
    high_id bigint NOT NULL,
    -- Where the next seal begins: entries beyond (resume_xact, resume_id) that are in no seal which saw
    -- newest_xact or later. Transaction ids belong to one cluster of PostgreSQL; in another, entries up to
    -- floor_id came with the restored dump.
    newest_xact xid8 NOT NULL,
    resume_xact xid8 NOT NULL,
    resume_id bigint NOT NULL,
    floor_id bigint NOT NULL,
    cluster text NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT seal_size_unique UNIQUE (log_id, size),
    CONSTRAINT seal_first_unique UNIQUE (log_id, first_position),
    CONSTRAINT seal_counts CHECK (
        size - first_position = cardinality(entry_ids)
        AND octet_length(leaf_hashes) = 32 * cardinality(entry_ids)
        AND size > first_position)
);
-- Hashes do not compress, and compressing numbers takes longer than storing them.
ALTER TABLE finance_audit.seal ALTER COLUMN leaf_hashes SET STORAGE EXTERNAL;
ALTER TABLE finance_audit.seal ALTER COLUMN entry_ids SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS seal_xact_idx ON finance_audit.seal (log_id, newest_xact);
CREATE INDEX IF NOT EXISTS seal_ids_idx ON finance_audit.seal (log_id, high_id, low_id);

-- Signed heads of a log (C2SP tlog-checkpoint); the note is the exact text.
CREATE TABLE IF NOT EXISTS finance_audit.checkpoint (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id integer NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    origin text NOT NULL,
    key_ids text NOT NULL,
    note text NOT NULL,
    signed_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS checkpoint_log_idx ON finance_audit.checkpoint (log_id, size, id);

-- All public keys that have signed.
CREATE TABLE IF NOT EXISTS finance_audit.signing_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id integer NOT NULL,
    origin text NOT NULL,
    verifier_key text NOT NULL CONSTRAINT signing_key_unique UNIQUE,
    first_used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Copies of checkpoints outside the database, with the response of the target.
CREATE TABLE IF NOT EXISTS finance_audit.anchor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    checkpoint_id bigint NOT NULL,
    log_id integer NOT NULL,
    size bigint NOT NULL,
    kind text NOT NULL,
    target_id integer NOT NULL,
    target text NOT NULL,
    -- RFC 3161: the response of the authority.
    token bytea,
    -- The time stated by the authority, else the time of this server.
    stated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS anchor_log_idx ON finance_audit.anchor (log_id, size);

-- The parts of entries that may be erased, encrypted. The entry has their salted hash.
CREATE TABLE IF NOT EXISTS finance_audit.erasable (
    uid uuid PRIMARY KEY,
    log_id integer NOT NULL,
    ciphertext text NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS erasable_age_idx ON finance_audit.erasable (written_at);
