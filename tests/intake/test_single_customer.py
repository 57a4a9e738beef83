"""One customer, typed into a form or a command."""

import pytest

from armrest.intake import InputRefused, read_single_customer


def test_a_change_of_nothing_says_what_is_missing() -> None:
    with pytest.raises(InputRefused, match="nothing would change: name a field, and its new value"):
        read_single_customer("10001", {})
