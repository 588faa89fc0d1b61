"""Tools to install, run and test the project on a developer's machine: only the standard library is needed."""
