"""Nothing personal survives in evidence and reasons, and what a person can act on does."""

import re
import string
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armrest.api import AnswerKind, BatchAnswer, CustomerFailure, mask, personal_values, redact
from armrest.api.redaction import ID_KEYS, NUMBER_KEYS, WORD_KEYS
from armrest.api.responses.parsing import NotJson
from tests.api.documented_list import BIRTH_NUMBER, CUSTOMER
from tests.generated import examples

BODY = orjson.dumps(
    {
        "metadata": {"userId": "ola.nordmann"},
        "customers": [
            {
                "customerNo": "10001",
                "name": "KARI NORDMANN",
                "customerCategory": "CONS",
                "phoneNo": "4711",
                "postalAddress": {"addressLine1": "Storgata 1, 2. etg.", "cityName": "Å", "countryCode": "NO"},
                "emailAddressDocument": ["kari"],
                "distribution": {"type": "M", "einvoiceCode": 0},
                "dateOfBirth": None,
            },
            {"customerNo": "10002", "name": "Customer Service AS"},
        ],
    }
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("phoneNo is not valid", "phoneNo is not valid", id="nothing-personal"),
        pytest.param("postalCode 0155 at most 4 digits", "postalCode 0155 at most 4 digits", id="short-numbers"),
        pytest.param("kari.nordmann@example.no bounced", "… bounced", id="e-mail"),
        pytest.param("mail to kari@exam", "mail to …", id="cut-e-mail"),
        pytest.param("phone 91234567 is taken", "phone … is taken", id="phone"),
        pytest.param("phone +47 912 34 567 is taken", "phone … is taken", id="phone-in-groups"),
        pytest.param("phone (0047) 912-34-567", "phone (…", id="phone-in-brackets"),
        pytest.param("born 1980-01-31, too young", "born …, too young", id="date"),
        pytest.param("born 31.1.80", "born …", id="short-date"),
        pytest.param("born 1/1/80", "born …", id="shortest-date"),
        pytest.param("født 31. januar 1980 i byen", "født … i byen", id="date-in-words"),
        pytest.param("ssn 310180 12345", "ssn …", id="identity-number"),
        pytest.param("name 'Kari' is not valid", "name … is not valid", id="quoted"),
        pytest.param('name "Kari" is not valid', "name … is not valid", id="double-quoted"),
        pytest.param("name «Kari» er ugyldig", "name … er ugyldig", id="guillemets"),
        pytest.param("name “Kari” and ‘Ola’", "name … and …", id="curly"),
        pytest.param("name `kari`", "name …", id="backticks"),
        pytest.param("name 'O'Brien' is not valid", "name … is not valid", id="apostrophe-within-quotes"),
        pytest.param("name 'kari nord", "name …", id="quote-never-closed"),
        pytest.param("the customer's name isn't valid", "the customer's name isn't valid", id="apostrophes"),
        pytest.param("The field 'postalCode' is required", "The field 'postalCode' is required", id="quoted-field"),
        pytest.param("at 'customers[3].phoneNo'", "at 'customers[3].phoneNo'", id="quoted-path"),
        pytest.param("no invoice for Kari Nordmann here", "no invoice for … here", id="name-within"),
        pytest.param("Kari Nordmann has moved", "… has moved", id="name-first"),
        pytest.param("Customer Kari Nordmann rejected", "Customer … rejected", id="name-after-a-plain-word"),
        pytest.param("lives in Øvre Årdal now", "lives in … now", id="norwegian-letters"),
        pytest.param("Invalid Phone Number", "Invalid Phone Number", id="heading"),
        pytest.param("The PhoneNo field is required. Check it", "The PhoneNo field is required. Check it", id="pascal"),
        pytest.param(
            "Document batch accepted for processing", "Document batch accepted for processing", id="documented"
        ),
        pytest.param("two\nlines\tand\x00 a\u202ebidi", "two lines and a bidi", id="one-line"),
        pytest.param("half a \ud800 pair", "half a ? pair", id="lone-surrogate"),
        pytest.param("", "", id="empty"),
    ],
)
def test_what_looks_personal_is_masked_and_the_rest_can_be_read(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_reason_is_never_longer_than_300_characters() -> None:
    assert len(mask("word " * 1000)) == 300
    assert mask("x" * 5000) == "…"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("no KARI NORDMANN here", "no … here", id="as-sent"),
        pytest.param("no kari nordmann here", "no … here", id="another-case"),
        pytest.param("no Mr nordmann here", "no … here", id="one-of-her-names"),
        pytest.param("no skarinordmann here", "no skarinordmann here", id="whole-words-only"),
        pytest.param("at storgata 1, 2. etg. please", "at …. please", id="with-punctuation"),
        pytest.param("phone 4711 is short", "phone … is short", id="too-short-to-look-personal"),
        pytest.param("customer service as said: NO", "… said: NO", id="codes-and-plain-words-stay"),
        pytest.param("customer of category CONS", "customer of category CONS", id="category"),
    ],
)
def test_what_we_sent_ourselves_is_masked_exactly(text: str, masked: str) -> None:
    assert mask(text, personal_values(BODY)) == masked


def test_a_bare_customer_and_a_broken_body_tell_their_values_too() -> None:
    assert personal_values(b'{"customerNo": "1", "name": "Kari"}') == {"Kari"}
    assert personal_values({"customerNo": "1", "name": "Kari", "postalAddress": {"countryCode": "NO"}}) == {"Kari"}
    assert personal_values(b"no json") == frozenset()


def test_evidence_keeps_structure_words_and_numbers_and_nothing_else() -> None:
    payload = {
        "status": "PROCESSED",
        "result": "206 for Kari Nordmann",
        "batchUuid": "AAAAAAAAAAAAAAAAAAAAAA",
        "message": "phoneNo 91234567 is not valid",
        "total": None,
        "failed": 2,
        "customers": [{"customerNo": 10001, "name": "Kari", "phoneNo": 91234567, "vat": True, "limit": 1.5}],
        "errors": {"customers[0].phoneNo": ["'912' is too short"], "name": ["Kari is wrong"]},
        "kari@example.no": {"objectindex": 3},
    }

    assert orjson.loads(redact(payload)) == {
        "status": "PROCESSED",
        "result": "206 for …",
        "batchUuid": "AAAAAAAAAAAAAAAAAAAAAA",
        "message": "phoneNo … is not valid",
        "total": None,
        "failed": 2,
        "customers": [{"customerNo": 10001, "name": "…", "phoneNo": "…", "vat": True, "limit": "…"}],
        "errors": {"customers[0].phoneNo": ["… is too short"], "name": ["…"]},
        "…": {"objectindex": 3},
    }


@pytest.mark.parametrize("birth_number", [BIRTH_NUMBER, int(BIRTH_NUMBER)])
def test_a_birth_number_is_in_no_evidence(birth_number: Any) -> None:
    evidence = redact({"customers": [CUSTOMER | {"ssn": birth_number}], "message": f"ssn {birth_number} is taken"})

    assert str(int(BIRTH_NUMBER)) not in evidence
    assert orjson.loads(evidence)["message"] == "ssn … is taken"


def test_of_html_only_the_masked_text_is_kept() -> None:
    page = NotJson(
        "<!DOCTYPE html><html><head><title>502 Bad&nbsp;Gateway</title><script>var a='kari'</script><style>b{}</style>"
        "</head><body><!-- Ola --><h1 class='Ola'>Try later</h1>for kari@example.no<script>unclosed"
    )

    assert redact(page) == "502 Bad Gateway … later for …"


def test_an_address_is_no_customer_number() -> None:
    assert redact({"customerNo": "kari@example.no", "clientNo": "two words"}) == '{"customerNo":"…","clientNo":"…"}'


def test_large_evidence_is_cut_and_still_json() -> None:
    evidence = redact({"errors": [{"customerNo": str(number), "message": "æ" * 250} for number in range(10_000)]})

    assert len(evidence.encode()) <= 8_000
    assert orjson.loads(evidence)["errors"][-1] == "…"


def test_deep_evidence_is_cut_and_still_json() -> None:
    payload: Any = "bottom"
    for _ in range(900):
        payload = {"message": [payload]}

    assert "bottom" not in redact(payload)


def test_an_answer_can_be_masked_by_what_was_sent_after_it_was_read() -> None:
    answer = BatchAnswer(
        http_status=206,
        standing=AnswerKind.PARTIAL,
        message="no KARI NORDMANN",
        evidence='{"status":"PARTIAL","message":"no KARI NORDMANN","customers":[{"customerNo":"10001"}]}',
        failures=(CustomerFailure(customer_no="10001", index=0, reason="no KARI NORDMANN"),),
    ).masked(personal_values(BODY))

    assert "NORDMANN" not in repr(answer)
    assert answer.evidence == '{"status":"PARTIAL","message":"no …","customers":[{"customerNo":"10001"}]}'
    assert answer.failures == (CustomerFailure(customer_no="10001", index=0, reason="no …"),)


PERSONAL = st.sampled_from(
    [
        "Kari Nordmann",
        "kari.nordmann@example.no",
        "91234567",
        "+47 912 34 567",
        "1980-01-31",
        "31.01.1980",
        "31018012345",
        "'Storgata 1'",
        '"Åsgårdstrand"',
        "Øystein Ås-Berg",
        91234567,
        31018012345,
    ]
)
FREE_KEYS = st.sampled_from(["message", "errors", "detail", "title", "reason"])
SAFE_KEYS = ID_KEYS | WORD_KEYS | NUMBER_KEYS
OTHER_KEYS = st.text(string.ascii_letters, min_size=1, max_size=10).filter(lambda key: key.lower() not in SAFE_KEYS)


def planted(personal: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any JSON with something personal in it: alone under any key, within a sentence where text may stand."""
    sentence = personal.map(lambda value: f"the value of {value} is not valid")
    leaf = st.builds(lambda key, value: {key: value}, OTHER_KEYS | FREE_KEYS, personal) | st.builds(
        lambda key, value: {key: value}, FREE_KEYS, sentence
    )
    return st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3) | st.dictionaries(OTHER_KEYS | FREE_KEYS, inner, max_size=3)
        ),
        max_leaves=8,
    )


@given(payload=planted(PERSONAL))
@settings(max_examples=examples(300))
def test_nothing_personal_survives_in_evidence_wherever_it_stands(payload: Any) -> None:
    evidence = redact(payload).lower()

    for part in ("kari", "nordmann", "example", "9123", "345", "567", "1980", "31.01", "storgata", "gårdst", "øyst"):
        assert part not in evidence


@given(sent=st.text(string.ascii_letters + " æøåÆØÅß-.,", min_size=2, max_size=20), upper=st.booleans())
@settings(max_examples=examples(300))
def test_nothing_that_we_sent_survives_in_a_text(sent: str, upper: bool) -> None:
    value = " ".join(sent.split()).strip(" -.,")
    said = mask(f"the value of {value.upper() if upper else value} is not valid", [sent])

    assert len(value) < 2 or not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", said, re.IGNORECASE)
