"""Bring a company's customer master into Amili's ARM, safely: plan, send, and know the outcome of every customer.

    plan = armrest.plan(frame, client_no=2218, changes_only=True)  # sends nothing
    run = plan.apply()
    run.outcomes()

The names below are loaded when they are used. Each function has an asynchronous twin with `a` before its name. This
library does not import Prefect.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from armrest.api import ArmError, NotAuthorized, Unreachable
    from armrest.app.environment import SettingsRefused
    from armrest.app.single_update import SingleUpdate
    from armrest.delivery import Sweep
    from armrest.errors import ArmrestError
    from armrest.facade.check_result import CheckResult, VerifyResult
    from armrest.facade.connection import Connection
    from armrest.facade.functions import (
        aapply,
        acheck,
        aexport,
        afetch_customers,
        ahand_over,
        ahistory,
        aoutcomes,
        aplan,
        apply,
        arerun,
        aresume,
        arun,
        aruns,
        asettle,
        aupdate_customer,
        aupdate_customers,
        averify,
        check,
        connect,
        export,
        fetch_customers,
        hand_over,
        history,
        outcomes,
        plan,
        rerun,
        resume,
        run,
        runs,
        settle,
        update_customer,
        update_customers,
        verify,
    )
    from armrest.facade.options import OptionRefused, Progress
    from armrest.facade.plan_handle import Plan
    from armrest.facade.run_handle import Run, RunIncomplete, RunRefused
    from armrest.intake import InputRefused, SourceUnavailable
    from armrest.outbox import LeaseHeld, OutboxError, RunState, UnknownRun

__all__ = [
    "ArmError",
    "ArmrestError",
    "CheckResult",
    "Connection",
    "InputRefused",
    "LeaseHeld",
    "NotAuthorized",
    "OptionRefused",
    "OutboxError",
    "Plan",
    "Progress",
    "Run",
    "RunIncomplete",
    "RunRefused",
    "RunState",
    "SettingsRefused",
    "SingleUpdate",
    "SourceUnavailable",
    "Sweep",
    "UnknownRun",
    "Unreachable",
    "VerifyResult",
    "aapply",
    "acheck",
    "aexport",
    "afetch_customers",
    "ahand_over",
    "ahistory",
    "aoutcomes",
    "aplan",
    "apply",
    "arerun",
    "aresume",
    "arun",
    "aruns",
    "asettle",
    "aupdate_customer",
    "aupdate_customers",
    "averify",
    "check",
    "connect",
    "export",
    "fetch_customers",
    "hand_over",
    "history",
    "outcomes",
    "plan",
    "rerun",
    "resume",
    "run",
    "runs",
    "settle",
    "update_customer",
    "update_customers",
    "verify",
]

_ELSEWHERE: Final = {
    "armrest.api": ("ArmError", "NotAuthorized", "Unreachable"),
    "armrest.app.environment": ("SettingsRefused",),
    "armrest.app.single_update": ("SingleUpdate",),
    "armrest.delivery": ("Sweep",),
    "armrest.errors": ("ArmrestError",),
    "armrest.facade.check_result": ("CheckResult", "VerifyResult"),
    "armrest.facade.connection": ("Connection",),
    "armrest.facade.options": ("OptionRefused", "Progress"),
    "armrest.facade.plan_handle": ("Plan",),
    "armrest.facade.run_handle": ("Run", "RunIncomplete", "RunRefused"),
    "armrest.intake": ("InputRefused", "SourceUnavailable"),
    "armrest.outbox": ("LeaseHeld", "OutboxError", "RunState", "UnknownRun"),
}
_MODULE_OF: Final = {name: module for module, names in _ELSEWHERE.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is used for the first time (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF.get(name, "armrest.facade.functions")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
