"""The three engines as data: what is installed, and how the server that runs them is configured."""

from dataclasses import dataclass, field

#: queue_job has four workers and its runner; ours gets no more: one for the web, three that dispatch.
WORKERS = 4
#: Of the provider, in milliseconds.
LATENCIES = (0, 50, 200)


@dataclass(frozen=True)
class Engine:
    """One way to bring documents to a provider.

    ``rates``: documents a second to be expected at each latency, from which the size of a run follows.
    """

    name: str
    title: str
    options: dict[str, str]
    rates: dict[int, int]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def addon(self) -> str:
        """The addon that hands documents to the engine."""
        return f"bench_{self.name}"


OURS = Engine(
    "ours",
    "ours",
    {"workers": "1", "max_cron_threads": str(WORKERS - 1)},
    {0: 500, 50: 500, 200: 500},
)
QUEUE_JOB = Engine(
    "queue_job",
    "queue_job",
    {
        "workers": str(WORKERS),
        "max_cron_threads": "0",
        "server_wide_modules": "base,rpc,web,queue_job",
    },
    {0: 90, 50: 50, 200: 17},
    {"ODOO_QUEUE_JOB_CHANNELS": f"root:{WORKERS}"},
)
NAIVE = Engine(
    "naive",
    "plain action",
    {"workers": "1", "max_cron_threads": "1"},
    {0: 90, 50: 17, 200: 5},
)
ENGINES = (QUEUE_JOB, NAIVE, OURS)
