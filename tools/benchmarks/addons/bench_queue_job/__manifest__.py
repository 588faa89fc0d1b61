{
    "name": "Benchmark: queue_job",
    "summary": "Files each document in a job of queue_job",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "Finance Connect contributors",
    "website": "https://github.com/finance-connect/finance-connect",
    "license": "LGPL-3",
    "depends": ["bench_document", "queue_job"],
}
