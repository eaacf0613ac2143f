"""Work on many clips at once with dask.distributed: the cores of this machine, or a real cluster.

Without a scheduler a local cluster is started: one process a core, each of at most WORKER_MEMORY.
A scheduler runs what it is sent, so the local one takes only those who hold its certificate, made
for the run and kept in memory (TLS): no other user of the machine gets in. For an address that
begins with tls:// dask's configuration names the certificates.
With one (its address given, or in DASK_SCHEDULER_ADDRESS) the same code runs there; its workers
need this folder as their working directory, the same packages, and the same paths to the sets.

A worker that is lost loses nothing: what it was working on goes to another one.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import dask
from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.security import Security
from tqdm import tqdm

from reference.interrupt import deaf

WORKER_MEMORY = "1GiB"  # a worker with every measure loaded takes about 0.4 GiB
AHEAD = 8  # jobs under way a core, so that none waits; the scheduler never holds a whole set


@contextmanager
def connect(scheduler: str | None = None, workers: int = 2) -> Iterator[Client]:
    """A client of the scheduler at an address, else of a local cluster of `workers` processes."""
    address = scheduler or dask.config.get("scheduler-address", None)
    if address:
        with Client(address) as client:
            yield client
    else:
        with deaf():
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, memory_limit=WORKER_MEMORY,
                dashboard_address="127.0.0.1:0", protocol="tls://", host="127.0.0.1",
                security=Security.temporary(), silence_logs=logging.ERROR)
        with cluster, Client(cluster) as client:
            yield client


def check_versions(client: Client, versions: Callable[[], str]) -> None:
    """Raise SystemExit naming a worker whose `versions()` differ from those here."""
    here = versions()
    for worker, there in client.run(versions).items():
        if there != here:
            raise SystemExit(f"error: worker {worker} has {there}; here is {here}. Install the "
                             "same versions, scores depend on them")


def spread(client: Client, function: Callable, jobs: Iterable, words: str, total: int
           ) -> Iterator[tuple]:
    """Yield (job, function(job)) as results come; progress and time left go to a terminal.

    Raises nothing for a job that killed its workers again and again: its result is then the
    KilledWorker error itself.
    """
    jobs = iter(jobs)
    depth = AHEAD * max(1, sum(client.nthreads().values()))
    under_way = {client.submit(function, job, pure=False): job for job in islice(jobs, depth)}
    queue = as_completed(list(under_way))
    with tqdm(total=total, desc=words, unit="clip", disable=None) as bar:
        for future in queue:
            job = under_way.pop(future)
            try:
                result = future.result()
            except KilledWorker as error:
                result = error
            for following in islice(jobs, 1):
                new = client.submit(function, following, pure=False)
                under_way[new] = following
                queue.add(new)
            bar.update()
            yield job, result
