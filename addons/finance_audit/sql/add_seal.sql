INSERT INTO finance_audit.seal (
    log_id, first_position, size, entry_ids, leaf_hashes, frontier, root, low_id, high_id,
    newest_xact, resume_xact, resume_id, floor_id, cluster
) VALUES (
    %(log_id)s, %(first_position)s, %(size)s, %(entry_ids)s::bigint[], %(leaf_hashes)s, %(frontier)s,
    %(root)s, %(low_id)s, %(high_id)s, %(newest_xact)s::text::xid8, %(resume_xact)s::text::xid8,
    %(resume_id)s, %(floor_id)s, %(cluster)s
)
