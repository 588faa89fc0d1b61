"""Our dispatcher beside a job queue and a plain scheduled action: the same machine, database server and provider."""
