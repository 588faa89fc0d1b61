-- Gates of active connections, with the settings of their limits.
SELECT g.connection_id, g.breaker_state, g.breaker_failures, g.breaker_openings,
       COALESCE(EXTRACT(EPOCH FROM g.breaker_until), 0)::float8,
       c.breaker_threshold, c.breaker_seconds::float8,
       c.rate_per_second::float8, c.rate_burst::float8, g.bucket_tokens::float8,
       COALESCE(EXTRACT(EPOCH FROM g.bucket_at), 0)::float8,
       COALESCE(EXTRACT(EPOCH FROM g.not_before), 0)::float8,
       c.max_parallel
  FROM finance_connection_gate g
  JOIN finance_connection c ON c.id = g.connection_id
 WHERE g.connection_id = ANY(%(connections)s)
   AND c.state = 'active'
 ORDER BY g.connection_id
