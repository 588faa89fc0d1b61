-- Order and proof of the entries. A log is a company's number, or 0 for what belongs to no company.
-- Positions are given by seals: entry_ids[1] of a seal stands at first_position (counted from 0).
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
    -- Where the next seal looks: entries beyond (resume_xact, resume_id) that no seal has which saw
    -- newest_xact or later. Numbers of transactions belong to one cluster of PostgreSQL; in another,
    -- entries up to floor_id came with the restored dump.
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

-- Signed statements about a log at a size (C2SP tlog-checkpoint); the note is the exact text.
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

-- Public keys that ever signed.
CREATE TABLE IF NOT EXISTS finance_audit.signing_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id integer NOT NULL,
    origin text NOT NULL,
    verifier_key text NOT NULL CONSTRAINT signing_key_unique UNIQUE,
    first_used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Copies of checkpoints outside the database, and what the other side answered.
CREATE TABLE IF NOT EXISTS finance_audit.anchor (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    checkpoint_id bigint NOT NULL,
    log_id integer NOT NULL,
    size bigint NOT NULL,
    kind text NOT NULL,
    target_id integer NOT NULL,
    target text NOT NULL,
    -- RFC 3161: the answer of the authority.
    token bytea,
    -- The authority's time, else ours.
    stated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS anchor_log_idx ON finance_audit.anchor (log_id, size);

-- The parts of entries that may be erased, encrypted. The entry keeps their salted hash.
CREATE TABLE IF NOT EXISTS finance_audit.erasable (
    uid uuid PRIMARY KEY,
    log_id integer NOT NULL,
    ciphertext text NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS erasable_age_idx ON finance_audit.erasable (written_at);
