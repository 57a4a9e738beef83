from armrest.intake.parallel.gc_pause import collect_after, pause_gc
from armrest.intake.parallel.reader_spec import ReaderSpec
from armrest.intake.parallel.worker_pool import WorkerPool

__all__ = [
    "ReaderSpec",
    "WorkerPool",
    "collect_after",
    "pause_gc",
]
