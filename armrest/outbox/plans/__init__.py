from armrest.outbox.plans.apply import apply_plan, assert_applicable
from armrest.outbox.plans.baseline import reset_baseline
from armrest.outbox.plans.client_match import (
    ClientMatch,
    Confirmation,
    client_confirmation,
    client_doubt,
    confirm_client,
    confirmed_client,
    match_clients,
)
from armrest.outbox.plans.comparison import Change, Comparison
from armrest.outbox.plans.figures import PlanFigures
from armrest.outbox.plans.plan_attempt import PlanAttempt, begin_plan, discard_plan
from armrest.outbox.plans.plan_writer import CustomerTooLarge, PlanWriter, RejectedCells, record_rejects
from armrest.outbox.plans.profiles import key_of_source, settled_profiles, source_key

__all__ = [
    "Change",
    "ClientMatch",
    "Comparison",
    "Confirmation",
    "CustomerTooLarge",
    "PlanAttempt",
    "PlanFigures",
    "PlanWriter",
    "RejectedCells",
    "apply_plan",
    "assert_applicable",
    "begin_plan",
    "client_confirmation",
    "client_doubt",
    "confirm_client",
    "confirmed_client",
    "discard_plan",
    "key_of_source",
    "match_clients",
    "record_rejects",
    "reset_baseline",
    "settled_profiles",
    "source_key",
]
