"""Who may ask, how often, and what goes wrong by chance."""

from email.utils import parsedate_to_datetime
from random import Random

import pytest
from pydantic import ValidationError

from armrest.sandbox import API, CLIENT_ID, CLIENT_SECRET, Behaviour, Fault, Sandbox
from armrest.sandbox.arm.faults import NO_ANSWER
from armrest.sandbox.arm.identity import SERVED_BEFORE_EXPIRY
from tests.sandbox.asking import BATCHES, Clock, ask, batch, content, poll, put

KARI = {"customerNo": "10001", "name": "Kari"}


def login(sandbox: Sandbox, secret: str = CLIENT_SECRET, grant_type: str = "client_credentials") -> dict[str, object]:
    form = f"grant_type={grant_type}&client_id={CLIENT_ID}&client_secret={secret}"
    return content(sandbox.handle("POST", "/identity/token", {}, form.encode()))


def test_a_wrong_token_is_a_401(sandbox: Sandbox) -> None:
    assert ask(sandbox, "PUT", BATCHES, batch(KARI), token="other").status == 401
    assert sandbox.handle("PUT", API + BATCHES, {}, batch(KARI)).status == 401


def test_a_client_that_is_not_ours_is_a_403(sandbox: Sandbox) -> None:
    sandbox.behaviour.clients = frozenset({2218})

    assert ask(sandbox, "PUT", "/clients/1/customers/batches", batch(KARI)).status == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/clients/abc/customers/batches", 400),
        ("GET", "/clients/abc/batches/x", 400),
        ("GET", "/clients/2218/batches/nothing", 404),
        ("GET", "/clients/2218/elsewhere", 404),
        ("DELETE", BATCHES, 404),
    ],
)
def test_a_path_that_is_none_is_refused(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    assert ask(sandbox, method, path, batch(KARI)).status == status


def test_an_issued_token_opens_until_it_expires(sandbox: Sandbox, clock: Clock) -> None:
    sandbox.behaviour.token_lifetime_seconds = 60
    issued = login(sandbox)
    assert (issued["expires_in"], issued["expires_on"]) == (60, int(clock()) + 60)
    assert ask(sandbox, "PUT", BATCHES, batch(KARI), token=str(issued["access_token"])).status == 202

    clock.advance(60)

    assert ask(sandbox, "PUT", BATCHES, batch(KARI), token=str(issued["access_token"])).status == 401


def test_a_wrong_login_gets_no_token(sandbox: Sandbox) -> None:
    assert login(sandbox, secret="guess") == {"error": "invalid_client"}
    assert login(sandbox, grant_type="password") == {"error": "unsupported_grant_type"}


def test_requests_beyond_the_rate_are_a_429_until_time_has_passed(sandbox: Sandbox, clock: Clock) -> None:
    sandbox.behaviour.rate = 5
    assert [ask(sandbox, "PUT", BATCHES, batch(KARI)).status for _ in range(7)] == [202] * 5 + [429] * 2

    clock.advance(0.4)

    assert [ask(sandbox, "PUT", BATCHES, batch(KARI)).status for _ in range(3)] == [202] * 2 + [429]


@pytest.mark.parametrize("status", ["429", "503"])
def test_retry_after_comes_in_both_forms(sandbox: Sandbox, clock: Clock, status: str) -> None:
    sandbox.behaviour.faults = {Fault(status): 1.0}
    sandbox.behaviour.retry_after_seconds = 7
    assert ask(sandbox, "PUT", BATCHES, batch(KARI)).headers["retry-after"] == "7"

    sandbox.behaviour.retry_after_form = "date"
    at = parsedate_to_datetime(ask(sandbox, "PUT", BATCHES, batch(KARI)).headers["retry-after"])
    assert at.timestamp() == clock() + 7

    sandbox.behaviour.retry_after_form = "none"
    assert "retry-after" not in ask(sandbox, "PUT", BATCHES, batch(KARI)).headers


@pytest.mark.parametrize(
    ("fault", "accepted", "answered"),
    [
        (Fault.RATE_LIMITED, 0, False),
        (Fault.UNAVAILABLE, 0, False),
        (Fault.RESET_BEFORE, 0, False),
        (Fault.RESET_AFTER, 1, False),
        (Fault.CUT, 1, False),
        (Fault.HTML, 1, False),
        (Fault.NO_UUID, 1, False),
        (Fault.SLOW, 1, True),
        (Fault.PARTIAL, 1, True),
        (Fault.UNKNOWN_WORD, 1, True),
        (Fault.EXPIRED_TOKEN, 1, True),
    ],
)
def test_each_fault_leaves_the_books_as_it_should(
    sandbox: Sandbox, fault: Fault, accepted: int, answered: bool
) -> None:
    sandbox.behaviour.faults = {fault: 1.0}
    reply = ask(sandbox, "PUT", BATCHES, batch(KARI))

    received = sandbox.records.batches()
    assert len(received) == accepted
    assert all(one.answered is answered for one in received)
    assert (b"batchUuid" in reply.body and reply.broken == "") is answered


def test_the_connection_breaks_before_and_after_acceptance(sandbox: Sandbox) -> None:
    for fault in (Fault.RESET_BEFORE, Fault.RESET_AFTER):
        sandbox.behaviour.faults = {fault: 1.0}
        assert ask(sandbox, "PUT", BATCHES, batch(KARI)) == NO_ANSWER


def test_answers_are_slow_cut_or_html(sandbox: Sandbox) -> None:
    sandbox.behaviour.faults = {Fault.SLOW: 1.0}
    sandbox.behaviour.slow_seconds = 3
    assert ask(sandbox, "PUT", BATCHES, batch(KARI)).wait_seconds == 3

    sandbox.behaviour.faults = {Fault.CUT: 1.0}
    assert ask(sandbox, "PUT", BATCHES, batch(KARI)).broken == "cut"

    sandbox.behaviour.faults = {Fault.HTML: 1.0}
    page = ask(sandbox, "PUT", BATCHES, batch(KARI))
    assert (page.status, page.headers["content-type"], page.body[:9]) == (200, "text/html", b"<!DOCTYPE")


def test_a_poll_can_answer_an_unknown_word(sandbox: Sandbox) -> None:
    uuid = put(sandbox, KARI)
    sandbox.behaviour.faults = {Fault.UNKNOWN_WORD: 1.0}

    assert content(poll(sandbox, uuid))["status"] == "PARKED"


def test_a_206_by_chance_names_some_and_updates_the_others(sandbox: Sandbox) -> None:
    sandbox.behaviour.faults = {Fault.PARTIAL: 1.0}
    answer = poll(sandbox, put(sandbox, *({"customerNo": str(number)} for number in range(300))))

    failed = [customer["customerNo"] for customer in content(answer)["customers"]]
    assert len(failed) == 3
    assert set(sandbox.records.customers(2218)) == {str(number) for number in range(300)} - set(failed)


def test_a_token_ends_early_only_when_it_has_served(sandbox: Sandbox) -> None:
    token = str(login(sandbox)["access_token"])
    sandbox.behaviour.faults = {Fault.EXPIRED_TOKEN: 1.0}

    statuses = [ask(sandbox, "PUT", BATCHES, batch(KARI), token=token).status for _ in range(SERVED_BEFORE_EXPIRY + 2)]

    assert statuses == [202] * SERVED_BEFORE_EXPIRY + [401] * 2
    assert sandbox.faults.injected["expired-token"].times == 2


def test_the_token_that_never_expires_does_not_end_early(sandbox: Sandbox) -> None:
    sandbox.behaviour.faults = {Fault.EXPIRED_TOKEN: 1.0}

    assert {ask(sandbox, "PUT", BATCHES, batch(KARI)).status for _ in range(50)} == {202}


def test_faults_come_at_their_rates_and_are_counted(sandbox: Sandbox) -> None:
    sandbox.behaviour.faults = {Fault.RATE_LIMITED: 0.1, Fault.RESET_AFTER: 0.2}
    for _ in range(1000):
        ask(sandbox, "PUT", BATCHES, batch(KARI, {"customerNo": "2"}))

    injected = sandbox.faults.injected
    assert 60 < injected["429"].times < 140
    assert 150 < injected["reset-after"].times < 250
    assert injected["429"].customers == 2 * injected["429"].times
    assert set(injected) == {"429", "reset-after"}


def test_a_seed_repeats_the_faults(clock: Clock) -> None:
    def statuses() -> list[int]:
        sandbox = Sandbox(Behaviour(faults={Fault.UNAVAILABLE: 0.5}), now=clock, random=Random(7))
        return [ask(sandbox, "PUT", BATCHES, batch(KARI)).status for _ in range(50)]

    assert statuses() == statuses()
    assert set(statuses()) == {202, 503}


def test_what_it_did_to_customers_on_purpose_is_counted_too(sandbox: Sandbox) -> None:
    sandbox.behaviour.poison_customers = frozenset({"1"})
    sandbox.behaviour.refuse_customers = frozenset({"2"})
    sandbox.behaviour.reject_batches_with = frozenset({"3"})
    for numbers in ("1", "2", "34"):
        ask(sandbox, "PUT", BATCHES, batch(*({"customerNo": number} for number in numbers)))
    sandbox.records.drain()

    counted = {name: (injected.times, injected.customers) for name, injected in sandbox.faults.injected.items()}
    assert counted == {"poison": (1, 1), "refused": (1, 1), "rejected": (1, 2)}


def test_answers_are_counted(sandbox: Sandbox) -> None:
    poll(sandbox, put(sandbox, KARI))
    ask(sandbox, "PUT", BATCHES, b"")

    assert {(method, status): n for (method, _, status), n in sandbox.answers.items()} == {
        ("PUT", 202): 1,
        ("GET", 200): 1,
        ("PUT", 400): 1,
    }


def test_a_reset_forgets_everything_but_keeps_its_behaviour_object(sandbox: Sandbox) -> None:
    behaviour = sandbox.behaviour
    behaviour.delay_seconds = 3
    put(sandbox, KARI)
    sandbox.reset()

    assert sandbox.records.batches() == []
    assert sandbox.behaviour is behaviour
    assert behaviour == Behaviour()


@pytest.mark.parametrize(
    "wrong",
    [{"faults": {"tea": 0.1}}, {"faults": {"429": 1.1}}, {"faults": {"429": 0.6, "503": 0.6}}, {"delay": 1}],
    ids=["unknown fault", "above one", "above one in all", "unknown switch"],
)
def test_a_behaviour_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Behaviour.model_validate(wrong)
