"""Input of the contestants: a customer file, and prepared bodies of the same customers."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

import orjson

from armrest.sandbox import customer_of, sample_rows, write_sample

CLIENT_NO: Final = "2218"
BATCH_SIZE: Final = 1000
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Material:
    """Files of N customers; half a percent of the CSV's rows have typical errors."""

    customers: int
    source: Path
    bodies: Path

    @classmethod
    def made(cls, folder: Path, customers: int) -> Self:
        """Write the files; the same number of customers gives the same files."""
        source, bodies = folder / "customers.csv", folder / "bodies"
        write_sample(source, customers=customers, seed=SEED)
        bodies.mkdir()
        rows = map(customer_of, sample_rows(customers, SEED))
        number = 0
        while batch := list(islice(rows, BATCH_SIZE)):
            body = orjson.dumps({"metadata": {"userId": "lower-bound"}, "customers": batch})
            (bodies / f"{number:06d}.json").write_bytes(body)
            number += 1
        return cls(customers, source, bodies)
