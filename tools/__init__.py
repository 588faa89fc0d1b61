"""Tools of the project: commands, chaos, benchmarks."""
