"""Mutants of what is read, shown and opened: no personal data where it does not belong, nothing that is no customer."""

from typing import Final

from tests.mutants.mutant import Mutant

_REDACTION = "armrest/api/redaction.py"
_PLACES = "armrest/intake/locations/allowed_places.py"
_NUMBER = "armrest/intake/rules/customer_number.py"
_SENT_VALUES = (
    "delivery/test_partial_answers.py::test_a_value_that_was_sent_is_not_kept_though_it_does_not_look_personal"
)

PRIVACY: Final = (
    Mutant(
        promise="what looks personal is masked",
        file=_REDACTION,
        old="    line = _mask_names(_PERSONAL.sub(_blank_unless_field, line))",
        new="    line = _mask_names(line)",
        tests=("api/test_redaction.py",),
    ),
    Mutant(
        promise="values that were sent are masked",
        file=_REDACTION,
        old="    line = _mask_known(_one_line(text, 4 * max_chars), frozenset(known))",
        new="    line = _one_line(text, 4 * max_chars)",
        tests=("api/test_redaction.py",),
    ),
    Mutant(
        promise="a member that is not known is blanked in evidence",
        file=_REDACTION,
        old="        return mask(value, self._known) if key in TEXT_KEYS else BLANK",
        new="        return mask(value, self._known)",
        tests=("api/test_redaction.py",),
    ),
    Mutant(
        promise="customers' values in an answer are masked",
        file="armrest/delivery/poller.py",
        old="        return customers, answer.masked(chain",
        new='        return customers, answer.masked("" for _ in chain',
        tests=(_SENT_VALUES,),
    ),
    Mutant(
        promise="a span takes no text that is neither an id nor a name of ours",
        file="armrest/telemetry/steps.py",
        old="            if value is None or (isinstance(value, str) and not _NAME_OR_ID.fullmatch(value)):",
        new="            if value is None:",
        tests=("monitoring/test_telemetry.py::test_a_batch_uuid_that_is_none_is_left_out",),
    ),
    Mutant(
        promise="the JSON log has no text of an exception",
        file="armrest/telemetry/json_lines.py",
        old='                line["error"] = record.exc_info[0].__name__',
        new='                line["error"] = str(record.exc_info[1])',
        tests=("monitoring/test_json_lines.py::test_of_an_exception_only_its_name_is_written",),
    ),
    Mutant(
        promise="no redirect is followed",
        file="armrest/api/http/transport.py",
        old="        follow_redirects=False,",
        new="        follow_redirects=True,",
        tests=("api/test_client.py::test_the_token_never_follows_a_redirect",),
    ),
    Mutant(
        promise="no hard link leads out of the inbox",
        file=_PLACES,
        old="    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:",
        new="    if stat.S_ISREG(status.st_mode):",
        tests=("intake/locations/test_allowed_places.py",),
    ),
    Mutant(
        promise="no address leads out of its prefix",
        file=_PLACES,
        old='        if "::" not in source and ".." not in parts and source.startswith(tuple(addresses)):',
        new='        if "::" not in source and source.startswith(tuple(addresses)):',
        tests=("intake/locations/test_allowed_places.py",),
    ),
    Mutant(
        promise="a total is no customer number",
        file=_NUMBER,
        old="        or bare(cell) in _WORDS\n",
        new="",
        tests=("intake/rules",),
    ),
    Mutant(
        promise="a number with decimals is no customer number",
        file=_NUMBER,
        old="    if _DECIMAL.fullmatch(cell):",
        new="    if not cell:",
        tests=("intake/rules",),
    ),
    Mutant(
        promise="a date is no customer number",
        file=_NUMBER,
        old="        or _is_date(cell)\n",
        new="",
        tests=("intake/rules",),
    ),
    Mutant(
        promise="a spreadsheet runs no cell",
        file="armrest/tabular/formula_guard.py",
        old='    return "\'" + cell if _RUNS.match(cell) else cell',
        new="    return cell",
        tests=("tabular/test_formula_guard.py",),
    ),
    Mutant(
        promise="a client that is not listed is not sent to",
        file="armrest/app/workspace.py",
        old="    if settings.clients and client_no is not None and client_no not in settings.clients:",
        new="    if settings.clients and client_no is None:",
        tests=("app/test_workspace.py",),
    ),
    Mutant(
        promise="a connection that allows no updates sends nothing",
        file="armrest/app/workspace.py",
        old="    if updates and not settings.allow_updates:",
        new="    if updates and settings is None:",
        tests=("app/test_workspace.py",),
    ),
)
