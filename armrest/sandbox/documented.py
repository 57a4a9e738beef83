"""The answers whose shape Amili documents (standing **D**): here, so that `assumed` holds only what it does not."""

from typing import Any


def accepted(batch_uuid: str, address: str) -> dict[str, Any]:
    """The 202 of a batch. The message says "Document" for customers too; that is Amili's, not ours.

    Source: PUT /clients/{clientno}/customers/batches, documented.
    """
    return {
        "status": "NOT-PROCESSED",
        "result": "PENDING",
        "message": "Document batch accepted for processing",
        "batchUuid": batch_uuid,
        "getResult": address,
    }


def token(access_token: str, *, now: float, lifetime_seconds: float) -> dict[str, Any]:
    """The answer of `POST {identity}/token`.

    Source: the vendor's Collection API, documented there; inferred for ARM.
    """
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "not_before": int(now),
        "expires_in": int(lifetime_seconds),
        "expires_on": int(now + lifetime_seconds),
        "resource": "arm",
    }
