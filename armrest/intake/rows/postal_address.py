"""Complete the address columns of a table, or refuse them if ARM would blank fields."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from typing import Final

from armrest.intake.errors import InputRefused
from armrest.intake.formats import Layout
from armrest.intake.mapping import FieldSource
from armrest.intake.policy import Policy
from armrest.intake.rules import Column
from armrest.model import ADDRESS_FIELDS, NEEDED_ADDRESS_FIELDS, missing_address_fields

DIGITS_OF_POSTAL_CODES: Final = {"NO": 4, "FI": 5, "SE": 5, "DE": 5, "FR": 5, "ES": 5, "IT": 5, "US": 5}
"""Number of digits of postal codes, in countries where they may begin with zeros."""


class AddressColumns:
    """The address columns of one table."""

    def __init__(self, table: Layout, field_sources: Mapping[str, FieldSource], *, source: str, policy: Policy) -> None:
        self._source = source
        self._place = table.place
        self._leaves = [leaf for leaf in ADDRESS_FIELDS if leaf in field_sources]
        self._defaults = {leaf: field_sources[leaf].default for leaf in self._leaves if field_sources[leaf].default}
        self._lacking = missing_address_fields(field_sources)
        self._refuse = policy.address == "refuse"
        self._merge = policy.address == "merge"
        self._is_explicit = table.explicit
        self._restore_zeros = table.loses_zeros and {"postalCode", "countryCode"} <= field_sources.keys()

    def complete(self, columns: MutableMapping[str, Column], first_row: int) -> list[int]:
        """Fill in defaults and restore lost zeros; return the positions of the restored zeros.

        Raises:
            InputRefused: An address is filled, but a required field is missing and would be blanked.
        """
        if self._refuse and (self._lacking or any(columns[leaf].absent for leaf in self._leaves)):
            self._refuse_partial(columns, first_row)
        if self._defaults:
            filled = list(map(any, self._rows(columns)))
            for leaf, default in self._defaults.items():
                cells = zip(columns[leaf].cells, filled, strict=True)
                columns[leaf] = Column([cell or default if is_filled else cell for cell, is_filled in cells])
        return self._with_zeros(columns) if self._restore_zeros else []

    def blanked(self, columns: Mapping[str, Column], *, left_out: Collection[int]) -> Counter[str]:
        """Count, for each field, the customers that send it empty together with a filled one.

        Args:
            left_out: The positions of rows that are not sent.
        """
        filled = list(map(any, self._rows(columns))) if self._leaves else []
        without = filled.count(False)
        out = [index for index in left_out if filled and filled[index]]
        if self._merge:  # fields that are not given are kept
            return Counter()
        blanked = Counter(dict.fromkeys(ADDRESS_FIELDS, len(filled) - without - len(out)))
        for leaf in self._leaves:
            cells = columns[leaf].cells
            blanked[leaf] = cells.count("") - without - sum(not cells[index] for index in out)
        return blanked

    def without_city(self, columns: Mapping[str, Column]) -> list[int]:
        """The positions of rows with a street, but neither a postal code nor a city, which ARM would blank."""
        if self._merge or self._is_explicit or not set(NEEDED_ADDRESS_FIELDS).issubset(self._leaves):
            return []
        street, code, city = (columns[leaf].cells for leaf in ("addressLine1", "postalCode", "cityName"))
        if "" not in code or "" not in city:
            return []
        return [index for index, cell in enumerate(code) if not cell and street[index] and not city[index]]

    def _rows(self, columns: Mapping[str, Column]) -> Iterator[tuple[str, ...]]:
        return zip(*(columns[leaf].cells for leaf in self._leaves), strict=True)

    def _with_zeros(self, columns: MutableMapping[str, Column]) -> list[int]:
        """Restore leading zeros if the row's country fixes the number of digits."""
        codes = list(columns["postalCode"].cells)
        restored = []
        for position, (code, country) in enumerate(zip(codes, columns["countryCode"].cells, strict=True)):
            digits = DIGITS_OF_POSTAL_CODES.get(country.upper(), 0)
            if 0 < len(code) < digits and code.isdecimal():
                codes[position] = code.zfill(digits)
                restored.append(position)
        columns["postalCode"] = Column(codes)
        return restored

    def _refuse_partial(self, columns: Mapping[str, Column], first_row: int) -> None:
        for leaf in self._leaves:
            for position, cell in enumerate(columns[leaf].cells):
                if not cell:
                    continue
                lacking = self._lacking or [it for it in NEEDED_ADDRESS_FIELDS if _absent(columns[it].absent, position)]
                if lacking:
                    raise self._partial(leaf, first_row + position, ", ".join(lacking))

    def _partial(self, leaf: str, row: int, lacking: str) -> InputRefused:
        return InputRefused(
            f"{self._source}: row {self._place(row)} fills {leaf}, but there is no {lacking}: ARM would make it blank; "
            "add it, leave the address out, or use --address-policy merge or replace",
            code="address-would-be-blanked",
            rows=(row,),
            column=leaf,
        )


def _absent(absent: Sequence[bool] | None, position: int) -> bool:
    return absent is not None and absent[position]
