"""Prefect's start: a flow that does nothing, on a server that is running."""

from prefect import flow


@flow
def nothing() -> None:
    """Do nothing."""


if __name__ == "__main__":
    nothing()
