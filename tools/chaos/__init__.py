"""Kills, faults and restarts by a seed, then a look at what the provider holds; run with `make chaos`."""
