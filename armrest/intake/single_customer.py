"""Read one customer entered by hand, with the same rules as in a file."""

from collections.abc import Iterator, Mapping

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Chunk, PlainTable
from armrest.intake.policy import Policy
from armrest.intake.rows import Block
from armrest.intake.rules import REASONS, Severity
from armrest.intake.source import source_of
from armrest.intake.source_info import SourceInfo
from armrest.model import CustomerUpdate

NAME = "this customer"


class _OneRow(PlainTable):
    """A table with one row, in which blanks are values."""

    description = "one customer"
    explicit = True
    is_list = False

    def __init__(self, cells: Mapping[str, str]) -> None:
        self.columns = tuple(cells)
        self._cells = cells

    def chunks(self) -> Iterator[Chunk]:
        yield Chunk(1, [[cell] for cell in self._cells.values()])


def is_customer_number(text: str, *, severities: Mapping[str, Severity] | None = None) -> bool:
    """Whether a text may be shown as a customer number: it breaks no rule that would reject its row.

    Args:
        severities: Overrides of the severity of rules, by code.
    """
    policy = Policy(severities=severities or {})
    try:
        (block,) = source_of(SourceInfo(NAME, _OneRow({"customerNo": text})), policy=policy).blocks()
    except InputRefused:  # a blank text, or a birth number
        return False
    return not block.rejects and block.rows == 1 and not block.rewrites


def _only_block(table: _OneRow, policy: Policy) -> Block:
    try:
        (block,) = source_of(SourceInfo(NAME, table), policy=policy).blocks()
    except InputRefused as refusal:
        if refusal.code != "birth-numbers":
            raise
        code = "birth-number-as-customer-number"
        what = f"customerNo {REASONS[code].sentence}"
        raise InputRefused(f"{NAME}: {what}", code=code, column="customerNo") from None
    return block


def read_single_customer(
    customer_no: str, values: Mapping[str, str], *, severities: Mapping[str, Severity] | None = None
) -> CustomerUpdate:
    """Make a customer from values by field, named like the columns of a customer file; `""` blanks a field.

    If one field of the address is given, all seven are sent.

    Args:
        severities: Overrides of the severity of rules, by code, as for a file.

    Raises:
        InputRefused: A field is unknown or cannot be cleared, or a value is invalid; the message has no values.
    """
    if "customerNo" in values:
        raise InputRefused(f"{NAME}: a customer number cannot be changed", code="unknown-column", column="customerNo")
    cells: Mapping[str, object] = {"customerNo": customer_no, **values}
    for name, value in cells.items():
        if not isinstance(value, str):
            what = f"{name} is of type {type(value).__name__}; write it as text"
            raise InputRefused(f"{NAME}: {what}", code="nested", column=name)
    table = _OneRow({"customerNo": customer_no, **values})
    policy = Policy(address="replace", severities=severities or {})
    block = _only_block(table, policy)
    for reject in block.rejects:
        raise InputRefused(f"{NAME}: {reject.sentence}", code=reject.code, column=reject.field)
    for rewrite in block.rewrites:  # nobody would see it
        if rewrite.field == "customerNo":
            what = "customerNo has signs around it that are no part of the number; write only the number"
            raise InputRefused(f"{NAME}: {what}", code="not-a-customer-number", column="customerNo")
    (customer,) = block.customers
    if len(customer) == 1:
        what = f"{', '.join(values)} cannot be cleared" if values else "name a field, and its new value"
        raise InputRefused(f"{NAME}: nothing would change: {what}", code="nothing-to-change")
    return customer
