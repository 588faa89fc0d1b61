"""The embedded engine as pure functions: a document and a rule book in, a tax answer out."""
