-- What the next seal takes, and how far every transaction had ended when this statement looked.
-- One statement, one snapshot. What is excluded was sealed although an older transaction was open;
-- NOT IN is looked up in a hash table, and keeps the order of the index so that LIMIT ends the scan.
SELECT
    array_agg(fresh.id ORDER BY fresh.xact, fresh.id)::text,
    string_agg(fresh.leaf_hash, ''::bytea ORDER BY fresh.xact, fresh.id),
    count(*),
    min(fresh.id),
    max(fresh.id),
    pg_snapshot_xmin(pg_current_snapshot())::text
FROM (
    SELECT entry.id, entry.xact, entry.leaf_hash FROM finance_audit.entry
     WHERE COALESCE(entry.company_id, 0) = %(log_id)s
       AND (entry.xact, entry.id) > (%(resume_xact)s::text::xid8, %(resume_id)s)
       AND entry.id > %(floor_id)s
       AND entry.id NOT IN (
           SELECT unnest(entry_ids) FROM finance_audit.seal
            WHERE log_id = %(log_id)s AND newest_xact >= %(resume_xact)s::text::xid8
              AND (newest_xact, entry_ids[size - first_position])
                  > (%(resume_xact)s::text::xid8, %(resume_id)s)
              AND (cluster = %(cluster)s OR %(moved)s))
     ORDER BY entry.xact, entry.id
     LIMIT %(limit)s
) AS fresh
