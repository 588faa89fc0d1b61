{
    "name": "Benchmark: Finance Connect",
    "summary": "Files each document by an exchange",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["bench_document", "finance_connector_base"],
}
