-- What the next seal takes, and how far every transaction had ended when this statement looked.
-- One statement, one snapshot. `ahead` was sealed although an older transaction was still open.
WITH ahead AS MATERIALIZED (
    SELECT unnest(entry_ids) AS id FROM finance_audit.seal
     WHERE log_id = %(log_id)s AND newest_xact >= %(resume_xact)s::text::xid8
       AND (cluster = %(cluster)s OR %(moved)s)
),
fresh AS MATERIALIZED (
    SELECT entry.id, entry.xact, entry.leaf_hash FROM finance_audit.entry
     WHERE COALESCE(entry.company_id, 0) = %(log_id)s
       AND (entry.xact, entry.id) > (%(resume_xact)s::text::xid8, %(resume_id)s)
       AND entry.id > %(floor_id)s
       AND NOT EXISTS (SELECT FROM ahead WHERE ahead.id = entry.id)
     ORDER BY entry.xact, entry.id
     LIMIT %(limit)s
)
SELECT
    array_agg(id ORDER BY xact, id),
    string_agg(leaf_hash, ''::bytea ORDER BY xact, id),
    (SELECT xact::text FROM fresh ORDER BY xact DESC LIMIT 1),
    pg_snapshot_xmin(pg_current_snapshot())::text
FROM fresh
