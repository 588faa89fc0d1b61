from . import finance_adapter
from . import finance_connection
from . import bench_document
from . import bench_backlog
