   UPDATE finance_case c
      SET state = 'resolved', decision = %(decision)s, reason = %(reason)s, closing = %(closing)s,
          resolved_by_id = %(person)s,
          resolution = COALESCE(%(resolution)s, CASE
              WHEN e.state IN ('superseded', 'cancelled') THEN e.state
              WHEN e.state IN ('pending', 'unknown') AND %(person)s IS NOT NULL THEN 'retried'
              WHEN e.id IS NULL THEN 'ended'
              ELSE 'settled' END),
          resolved_at = moment.now, write_uid = %(uid)s, write_date = moment.now
     FROM finance_case same
     LEFT JOIN finance_exchange e ON e.id = same.exchange_id
    CROSS JOIN (SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') AS now) moment
    WHERE same.id = c.id AND c.state = 'open'
      AND (c.exchange_id = ANY(%(exchanges)s) OR c.id = ANY(%(cases)s))
RETURNING c.id, c.name, c.exchange_id, c.company_id, c.kind, c.resolution,
          c.document_model, c.document_id, c.document_name, c.correlation_id
