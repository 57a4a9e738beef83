from armrest.sandbox.arm.assumed import NEW_CUSTOMER
from armrest.sandbox.arm.batch import Batch, Outcome
from armrest.sandbox.arm.behaviour import Behaviour, Fault
from armrest.sandbox.arm.faults import ANSWER_FAULTS, LOSES_THE_UUID, NO_ANSWER, Faults, inject_fault, slow_down
from armrest.sandbox.arm.identity import Tokens
from armrest.sandbox.arm.merge import Customer
from armrest.sandbox.arm.rate_limit import Pace
from armrest.sandbox.arm.records import CustomerRecords

__all__ = [
    "ANSWER_FAULTS",
    "LOSES_THE_UUID",
    "NEW_CUSTOMER",
    "NO_ANSWER",
    "Batch",
    "Behaviour",
    "Customer",
    "CustomerRecords",
    "Fault",
    "Faults",
    "Outcome",
    "Pace",
    "Tokens",
    "inject_fault",
    "slow_down",
]
