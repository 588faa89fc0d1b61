"""The transport: requests, authorization, the client of one connection."""
