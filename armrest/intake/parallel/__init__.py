from armrest.intake.parallel.gc_pause import collect_after, no_garbage_collection
from armrest.intake.parallel.reader_spec import ReaderSpec
from armrest.intake.parallel.worker_pool import WorkerPool

__all__ = [
    "ReaderSpec",
    "WorkerPool",
    "collect_after",
    "no_garbage_collection",
]
