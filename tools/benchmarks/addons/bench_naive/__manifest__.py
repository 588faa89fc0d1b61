{
    "name": "Benchmark: scheduled action",
    "summary": "Files documents one by one in a scheduled action",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["bench_document"],
    "data": ["data/ir_cron.xml"],
}
