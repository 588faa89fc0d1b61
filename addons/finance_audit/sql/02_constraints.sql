-- What every entry must satisfy. Re-runnable: restores a constraint that was dropped.
-- NOT VALID first: new entries are checked immediately. If an old one violates the rule, the constraint remains
-- unvalidated, which the check of the protection reports; an upgrade must not fail because of it.
DO $constraints$
DECLARE
    present text[] := ARRAY(
        SELECT conname FROM pg_constraint WHERE conrelid = 'finance_audit.entry'::regclass);
BEGIN
    IF 'entry_outcome_known' <> ALL (present) THEN
        ALTER TABLE finance_audit.entry ADD CONSTRAINT entry_outcome_known
            CHECK (outcome IN ('info', 'success', 'warning', 'failure')) NOT VALID;
    END IF;
    IF 'entry_leaf_hash_true' <> ALL (present) THEN
        ALTER TABLE finance_audit.entry ADD CONSTRAINT entry_leaf_hash_true
            CHECK (leaf_hash = sha256('\x00'::bytea || canonical)) NOT VALID;
    END IF;
    BEGIN
        ALTER TABLE finance_audit.entry VALIDATE CONSTRAINT entry_outcome_known;
        ALTER TABLE finance_audit.entry VALIDATE CONSTRAINT entry_leaf_hash_true;
    EXCEPTION WHEN check_violation THEN
        RAISE WARNING 'finance_audit.entry holds an entry that its constraints refuse: %', SQLERRM;
    END;
    IF 'entry_uid_unique' <> ALL (present) THEN
        BEGIN
            ALTER TABLE finance_audit.entry ADD CONSTRAINT entry_uid_unique UNIQUE (uid);
        EXCEPTION WHEN unique_violation THEN
            RAISE WARNING 'finance_audit.entry holds an entry twice: %', SQLERRM;
        END;
    END IF;
END
$constraints$;

-- The chain of seals: each begins where another ended, and its size matches its contents.
DO $constraints$
DECLARE
    present text[] := ARRAY(
        SELECT conname FROM pg_constraint WHERE conrelid = 'finance_audit.seal'::regclass);
BEGIN
    IF 'seal_size_unique' <> ALL (present) THEN
        ALTER TABLE finance_audit.seal ADD CONSTRAINT seal_size_unique UNIQUE (log_id, size);
    END IF;
    IF 'seal_first_unique' <> ALL (present) THEN
        ALTER TABLE finance_audit.seal
            ADD CONSTRAINT seal_first_unique UNIQUE (log_id, first_position);
    END IF;
    IF 'seal_counts' <> ALL (present) THEN
        ALTER TABLE finance_audit.seal ADD CONSTRAINT seal_counts CHECK (
            size - first_position = cardinality(entry_ids)
            AND octet_length(leaf_hashes) = 32 * cardinality(entry_ids)
            AND size > first_position) NOT VALID;
    END IF;
    BEGIN
        ALTER TABLE finance_audit.seal VALIDATE CONSTRAINT seal_counts;
    EXCEPTION WHEN check_violation THEN
        RAISE WARNING 'finance_audit.seal holds a seal that its constraints refuse: %', SQLERRM;
    END;
END
$constraints$;
