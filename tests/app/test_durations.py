import re

import pytest

from armrest.app.durations import DURATION, seconds_in


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        *[("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2d", 172_800), ("0s", 0), ("30 m", 1800)],
        *[("5 minutes", 300), ("1 Hour", 3600), ("2 days", 172_800), ("45 sec", 45)],
        *[("5 minutter", 300), ("1,5 timer", 5400), ("1 dag", 86_400), ("2 timmar", 7200), (" 2 døgn ", 172_800)],
    ],
)
def test_lengths_of_time_are_read_as_people_write_them(duration: str, seconds: float) -> None:
    assert seconds_in(duration) == seconds
    assert re.search(DURATION, duration)


@pytest.mark.parametrize("duration", ["", "30", "soon", "-1m", "1m30s", "30M", "3 months", "1 måned"])
def test_anything_else_is_refused(duration: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 30m, 2h or 1d"):
        seconds_in(duration)
