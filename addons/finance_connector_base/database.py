"""What the engine has to know about PostgreSQL's client."""

import psycopg2

#: The database is restarting, or two transactions were in each other's way: trying again is safe, tokens decide.
DATABASE_AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError)
