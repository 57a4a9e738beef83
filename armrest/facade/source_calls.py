"""Calls that read a source or ARM, and send nothing."""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from armrest.app.check_source import SourceFinding, findings_of, report_source
from armrest.app.hand_over import hand_over_frame
from armrest.app.verification import verify_run, verify_source
from armrest.app.workspace import arm_client
from armrest.facade.check_result import CheckResult, VerifyResult
from armrest.facade.connection_base import ConnectionBase, Source
from armrest.facade.event_loop import run_sync
from armrest.facade.options import OptionRefused, ReadOptions, client_number, refuse_unusable
from armrest.facade.tables import frame_of_records
from armrest.reconcile import FromSource, fetch_records

if TYPE_CHECKING:
    import pandas as pd


class SourceCalls(ConnectionBase):
    """Check, verify, fetch and hand over."""

    def check(self, source: Source, **options: Unpack[ReadOptions]) -> CheckResult:
        """Read a source and report everything that is wrong with it. Nothing is sent or stored.

        Raises:
            InputRefused: The source cannot be understood at all.
        """
        with self._source(source, dict(options)) as reading:
            findings: list[SourceFinding] = []
            report = report_source(
                reading, self._settings(), on_block=lambda _, block: findings.extend(findings_of(block))
            )
            return CheckResult(report, findings)

    async def acheck(self, source: Source, **options: Unpack[ReadOptions]) -> CheckResult:
        """Like `check`, for a running event loop."""
        return await asyncio.to_thread(self.check, source, **options)

    async def averify(
        self,
        source: Source = None,
        *,
        client_no: int | None = None,
        run_id: str | None = None,
        sample: int | None = None,
        drift_file: str | Path | None = None,
        **options: Unpack[ReadOptions],
    ) -> VerifyResult:
        """Like `verify`, for a running event loop."""
        file = _file(drift_file)
        refuse_unusable({"sample": sample} if client_no is None else {"sample": sample, "client_no": client_no})
        if run_id is not None and source is None:
            with self._workspace(client_no) as workspace:
                return VerifyResult(await verify_run(workspace, run_id, sample=sample, drift_file=file))
        if run_id is not None or source is None or client_no is None:
            raise OptionRefused("verify: name what to compare with: a source and client_no, or run_id")
        async with self._asource(source, dict(options)) as reading:
            settings = self._settings()
            number = client_number(client_no)
            return VerifyResult(await verify_source(settings, reading, number, sample=sample, drift_file=file))

    def verify(
        self,
        source: Source = None,
        *,
        client_no: int | None = None,
        run_id: str | None = None,
        sample: int | None = None,
        drift_file: str | Path | None = None,
        **options: Unpack[ReadOptions],
    ) -> VerifyResult:
        """Compare ARM's records with a source, or with what a run has updated, field by field.

        Args:
            sample: Compare this many random customers; None: all.
            drift_file: CSV to write the differences to, with their values; None: a new file in the home.
        """
        call = self.averify(source, client_no=client_no, run_id=run_id, sample=sample, drift_file=drift_file, **options)
        return run_sync(call, twin="armrest.averify")

    async def afetch_customers(self, *, client_no: int, numbers: Source = None) -> "pd.DataFrame":
        """Like `fetch_customers`, for a running event loop."""
        client_no, settings = client_number(client_no), self._settings()
        async with self._asource(numbers, {}) if numbers is not None else nullcontext() as reading:
            customers = FromSource(reading.open(settings)).customers() if reading else ()
            async with arm_client(settings, client_no=client_no) as arm:
                fetched = await fetch_records(
                    arm,
                    client_no,
                    numbers=(customer["customerNo"] for customer in customers),
                    concurrency=settings.concurrency,
                )
        frame = frame_of_records(fetched.records, fetched.columns)
        frame.attrs.update(complete=fetched.complete, total=fetched.total)
        return frame

    def fetch_customers(self, *, client_no: int, numbers: Source = None) -> "pd.DataFrame":
        """Return a client's customers as ARM holds them, with the columns of a customer file. They are personal data.

        ARM lists at most 10,000 customers. `frame.attrs["complete"]` is False if ARM has more, or may have more.

        Args:
            numbers: A source with a column `customerNo`. Customers in it that ARM's list omits are read one by one.
        """
        return run_sync(self.afetch_customers(client_no=client_no, numbers=numbers), twin="armrest.afetch_customers")

    def hand_over(self, frame: Any, *, name: str = "frame", mapping: str | Path | None = None) -> str:
        """Store a frame where the flow `update-customers` may read it, and return the `source` for its parameters.

        Only its owner can read the file, and no file watcher looks there. `purge` removes the file later, but not as
        long as a run that is not planned yet needs it.

        Args:
            name: A name for lists of runs and messages.
            mapping: The mapping that the flow will use; its columns are checked now.

        Raises:
            InputRefused: It is not a frame, or the frame has damaged values.
        """
        path = None if mapping is None else str(mapping)
        return hand_over_frame(self._settings(), frame, name=name, mapping=path)

    async def ahand_over(self, frame: Any, *, name: str = "frame", mapping: str | Path | None = None) -> str:
        """Like `hand_over`, for a running event loop."""
        return await asyncio.to_thread(self.hand_over, frame, name=name, mapping=mapping)


def _file(name: str | Path | None) -> Path | None:
    return None if name is None else Path(name).expanduser().absolute()
