from armrest.reconcile.compare import differences
from armrest.reconcile.drift_report import Verification
from armrest.reconcile.expected import ExpectedCustomers, FromRun, FromSource
from armrest.reconcile.fetch import Fetched, FetchedRecords, fetch_customers, fetch_records
from armrest.reconcile.verifier import verify

__all__ = [
    "ExpectedCustomers",
    "Fetched",
    "FetchedRecords",
    "FromRun",
    "FromSource",
    "Verification",
    "differences",
    "fetch_customers",
    "fetch_records",
    "verify",
]
