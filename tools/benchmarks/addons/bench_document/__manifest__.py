{
    "name": "Benchmark: documents",
    "summary": "Documents to be filed with a provider",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["account"],
}
