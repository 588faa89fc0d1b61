-- The one way in: bytes and their hash (two parallel arrays, one row each). The trigger
-- entry_columns_agree reads the columns from the bytes.
INSERT INTO finance_audit.entry (canonical, leaf_hash)
SELECT given.canonical, given.leaf_hash
FROM unnest(%(canonical)s::bytea[], %(leaf_hash)s::bytea[])
    WITH ORDINALITY AS given(canonical, leaf_hash, place)
ORDER BY given.place
