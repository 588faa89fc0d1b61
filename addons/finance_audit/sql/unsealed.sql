-- The seal lag of a log: the same entries as in next_leaves.sql.
SELECT count(*), min(entry.created_at AT TIME ZONE 'UTC')
  FROM finance_audit.entry
 WHERE COALESCE(entry.company_id, 0) = %(log_id)s
   AND (entry.xact, entry.id) > (%(resume_xact)s::text::xid8, %(resume_id)s)
   AND entry.id > %(floor_id)s
   AND entry.id NOT IN (
           SELECT unnest(entry_ids) FROM finance_audit.seal
            WHERE log_id = %(log_id)s AND newest_xact >= %(resume_xact)s::text::xid8
              AND (newest_xact, entry_ids[size - first_position])
                  > (%(resume_xact)s::text::xid8, %(resume_id)s)
              AND (cluster = %(cluster)s OR %(moved)s))
