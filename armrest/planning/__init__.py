from armrest.planning.address_merge import ReadRecords, read_records
from armrest.planning.guard_rails import GuardRails
from armrest.planning.planner import plan
from armrest.planning.rerun import plan_rerun, rerun_request
from armrest.planning.source_plan import OnProgress, plan_writer

__all__ = [
    "GuardRails",
    "OnProgress",
    "ReadRecords",
    "plan",
    "plan_rerun",
    "plan_writer",
    "read_records",
    "rerun_request",
]
