"""Names of the deployments in prefect.yaml, as `flow/deployment`: links, automations and checks look them up."""

from collections.abc import Mapping
from typing import Final

UPDATE: Final = "update-customers/manual"
NIGHTLY: Final = "update-customers/nightly"
UPDATE_ONE: Final = "update-customer/update-one-now"
APPLY: Final = "apply-plan/apply-a-plan"
RERUN: Final = "rerun-failed-batches/send-failed-again"
RESUME: Final = "resume-run/carry-on-a-run"
VERIFY: Final = "verify-customers/compare-with-arm"
SWEEP: Final = "settle-open-batches/every-10-minutes"
REPORT_NIGHT: Final = "report-night/every-morning"

EARLIER: Final[Mapping[str, str]] = {
    "update-customer/manual": UPDATE_ONE,
    "apply-plan/manual": APPLY,
    "rerun-failed-batches/manual": RERUN,
    "resume-run/manual": RESUME,
    "verify-customers/manual": VERIFY,
}
"""Deployments of earlier versions, and those that replace them: `make deploy` removes the former."""
