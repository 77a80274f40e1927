import json
import re
from pathlib import Path

import jsonschema
import pytest

import labinterp as li
from labinterp.service import cds, cds_schemas, create_app
from service_client import INSTANCE, Client, bundle, call, observation

CLIENT = Client()
LOW = bundle(
    observation("19123-9", 1.1, "mg/dL"),
    observation("17861-6", 7.9, "mg/dL"),
    observation("1751-7", 4.1, "g/dL"),
    observation("62292-8", 9, "ng/mL"),
)
VIEW, SELECT = "/cds-services/labinterp-patient-view", "/cds-services/labinterp-order-select"


def cards(labs=LOW, path=VIEW, **more):
    hook = "order-select" if path == SELECT else "patient-view"
    answer = CLIENT.post(path, json=call(hook, labs, **more))
    assert answer.status_code == 200, answer.text
    jsonschema.Draft202012Validator(cds_schemas.response()).validate(answer.json())
    return answer.json()["cards"]


def no_empties(value):
    """Say whether no element is null or empty, as the specification wants it."""
    if isinstance(value, dict):
        return bool(value) and all(map(no_empties, value.values()))
    return bool(value) and all(map(no_empties, value)) if isinstance(value, list) else value not in (None, "")


def test_discovery_lists_services_that_can_be_called():
    """The discovery document names a patient-view and an order-select service, each at its path."""
    answer = CLIENT.get("/cds-services")
    jsonschema.Draft202012Validator(cds_schemas.discovery()).validate(answer.json())
    services = answer.json()["services"]
    assert [service["hook"] for service in services] == ["patient-view", "order-select"]
    for service in services:
        assert CLIENT.post(f"/cds-services/{service['id']}", json=call(service["hook"], LOW)).status_code == 200


def test_prefetch_templates_keep_to_the_recommended_subset():
    """Templates read the patient and search results by LOINC code, with equality, sort and count alone."""
    prefetch = cds.services()[0]["prefetch"]
    assert prefetch["patient"] == "Patient/{{context.patientId}}"
    kind, _, query = prefetch["labs"].partition("?")
    parts = dict(part.split("=", 1) for part in query.split("&"))
    assert kind == "Observation"
    assert set(parts) == {"patient", "code", "_sort", "_count"}
    codes = [code.removeprefix("http://loinc.org|") for code in parts["code"].split(",")]
    assert all(li.LabResult(code, 1) and re.fullmatch(r"[0-9]+-[0-9]", code) for code in codes)
    assert {"19123-9", "17861-6", "62292-8", "2132-9", "13965-9", "1751-7"} <= set(codes)


def test_card_per_finding_with_its_trace():
    """Every finding is a card of a few lines with its results and tests to order; a link leads to the steps."""
    made = cards()
    assert [card["source"]["topic"]["code"] for card in made] == [
        "hypomagnesemia",
        "hypocalcemia",
        "vitamin-d-deficiency",
    ]
    card = made[1]
    assert card["summary"].startswith("Hypocalcemia: low calcium (present)")
    assert card["indicator"] == "warning"
    assert "- Calcium, total 7.9 mg/dL (1.971 mmol/L): low, adjusted by albumin 7.82 mg/dL" in card["detail"]
    assert "pathways to twitching" in card["detail"]
    assert len(card["detail"].splitlines()) <= 12
    (link,) = card["links"]
    page = CLIENT.get(link["url"].removeprefix("http://service"))
    assert link["type"] == "absolute"
    assert "NALCN" in page.text
    assert "https://" in page.text
    assert "A finding is no diagnosis" in card["detail"]
    assert card["overrideReasons"][0]["code"] == "known"
    assert all(reason["display"] for reason in card["overrideReasons"])


def test_cards_say_what_the_library_says():
    """The cards have the findings of `interpret_fhir` for the same patient and results."""
    person = call()["prefetch"]["patient"]
    made = li.interpret_fhir(bundle(person, *(entry["resource"] for entry in LOW["entry"])))
    issues = [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == "DetectedIssue"]
    assert [card["source"]["topic"]["code"] for card in cards()] == [
        issue["code"]["coding"][-1]["code"] for issue in issues
    ]


def test_cards_keep_to_the_limits_of_the_specification():
    """Summaries are shorter than 140 characters, nothing is null or empty, suggestions create draft orders."""
    for card in [*cards(), *cards(path=SELECT)]:
        assert 0 < len(card["summary"]) < 140
        assert no_empties(card)
        assert ("suggestions" in card) == ("selectionBehavior" in card)
        for suggestion in card.get("suggestions", ()):
            (action,) = suggestion["actions"]
            assert action["resource"]["status"] == "draft"
            assert action["resource"]["subject"] == {"reference": "Patient/p1"}
            assert action["resource"]["code"]["coding"][0]["system"] == "http://loinc.org"


def test_ids_follow_from_the_call():
    """The same call gives the same cards; another instance gives others; no id stands there twice."""
    ids = [card["uuid"] for card in cards()] + [s["uuid"] for card in cards() for s in card.get("suggestions", ())]
    assert ids == [card["uuid"] for card in cards()] + [
        s["uuid"] for card in cards() for s in card.get("suggestions", ())
    ]
    assert len(set(ids)) == len(ids)
    other = {**call(labs=LOW), "hookInstance": INSTANCE.replace("d", "e")}
    assert not {card["uuid"] for card in CLIENT.post(VIEW, json=other).json()["cards"]} & set(ids)


def test_critical_result_makes_a_critical_card():
    """A critical or severe result makes the card critical, whatever names the limit; a low one is a warning."""
    client = Client(ranges=["ohsu/critical", "us"])
    answer = client.post(VIEW, json=call(labs=bundle(observation("19123-9", 0.6, "mg/dL"))))
    assert [card["indicator"] for card in answer.json()["cards"]] == ["critical"]
    assert [card["indicator"] for card in cards(bundle(observation("19123-9", 0.6, "mg/dL")))] == ["critical"]
    assert [card["indicator"] for card in cards(bundle(observation("19123-9", 1.2, "mg/dL")))] == ["warning"]


@pytest.mark.parametrize(
    "labs", [None, bundle(), bundle(observation("2823-3", 4.1, "mmol/L")), {"resourceType": "Bundle"}]
)
def test_nothing_to_say_is_no_card(labs):
    """No results, or none that say anything, give an empty list of cards."""
    assert cards(labs) == []


def test_results_that_cannot_be_read_are_said():
    """A result of a known test that could not be interpreted gets a card, so that silence never means normal."""
    (card,) = cards(bundle(observation("19123-9", 1.1, "furlong"), observation("718-7", 12, "g/dL")))
    assert card["summary"].startswith("1 result(s) could not be interpreted")
    assert "Magnesium: the spelling of the unit" in card["detail"]
    assert card["indicator"] == "info"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"prefetch": {}}, "patient"),
        ({"prefetch": None}, None),
        ({"prefetch": {"labs": LOW}}, "patient"),
        ({"prefetch": {"patient": None, "labs": LOW}}, "patient"),
        ({"prefetch": {"patient": {"resourceType": "OperationOutcome"}, "labs": LOW}}, "patient"),
        ({"prefetch": {"patient": {"resourceType": "Patient", "id": "p1"}}}, "labs"),
        ({"prefetch": {"patient": {"resourceType": "Patient"}, "labs": {"resourceType": "OperationOutcome"}}}, "labs"),
    ],
)
def test_missing_data_is_said_with_412(change, key):
    """A prefetch key that was not sent or not filled gives 412 with an OperationOutcome that names it."""
    answer = CLIENT.post(VIEW, json={**call(), **change})
    if key is None:
        assert answer.status_code == 422
        return
    assert answer.status_code == 412
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert f"'{key}'" in outcome["issue"][0]["diagnostics"]


def test_call_without_prefetch_gives_412():
    """A call without the field `prefetch` gives 412, since the service never fetches."""
    request = call()
    del request["prefetch"]
    assert CLIENT.post(VIEW, json=request).status_code == 412


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"hook": "order-select"}, "/hook"),
        ({"hookInstance": "7"}, "/hookInstance"),
        ({"context": {"userId": "Practitioner/7"}}, "/context"),
        ({"context": {"userId": "x", "patientId": "../1"}}, "/context/patientId"),
        ({"context": []}, "/context"),
        ({"prefetch": []}, "/prefetch"),
        ({"prefetch": {"patient": [], "labs": None}}, "/prefetch/patient"),
        ({"prefetch": {"patient": {"resourceType": "Group"}, "labs": None}}, "/prefetch/patient"),
        ({"prefetch": {"patient": {"resourceType": "Patient", "id": "p2"}, "labs": None}}, "/prefetch/patient"),
        ({"prefetch": {"patient": {"resourceType": "Patient"}, "labs": {"resourceType": "Basic"}}}, "/prefetch/labs"),
        ({"prefetch": {"patient": {"resourceType": "Patient"}, "labs": {"resourceType": "Bundle", "entry": [7]}}}, "/prefetch/labs/entry/0"),
    ],
)  # fmt: skip
def test_call_of_the_wrong_form_is_refused(change, place):
    """A call that is not what the specification says is refused with its place."""
    answer = CLIENT.post(VIEW, json={**call(), **change})
    assert answer.status_code == 422
    assert answer.json()["place"].startswith(place)


def test_other_patients_results_are_left_out():
    """A result of another patient never reaches a card, and the card says that there was one."""
    labs = bundle(observation("19123-9", 1.1, "mg/dL"), observation("17861-6", 5.0, "mg/dL", patient="Patient/p2"))
    (card,) = cards(labs)
    assert card["source"]["topic"]["code"] == "hypomagnesemia"
    assert "1 result(s) of another patient were left out." in card["detail"].replace("\\", "")


def test_old_results_are_left_out():
    """Results from long before the newest are not seen with it, and the card says so; the span can be set."""
    labs = bundle(observation("19123-9", 1.1, "mg/dL"), observation("62292-8", 5, "ng/mL", "2020-01-05"))
    (card,) = cards(labs)
    assert "more than 365 days" in card["detail"]
    wide = Client(lookback_days=36500).post(VIEW, json=call(labs=labs)).json()["cards"]
    assert len(wide) == 2


def test_part_of_the_results_is_said():
    """Where the client sends but a page of the results the card says so."""
    (card,) = cards({**bundle(observation("19123-9", 1.1, "mg/dL")), "link": [{"relation": "next", "url": "x"}]})
    assert "only a part" in card["detail"]


def test_no_text_of_the_message_is_on_a_card():
    """Names, units and notes of the message are never repeated, so that nothing can be smuggled onto a screen."""
    evil = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
    labs = bundle(
        observation("19123-9", 1.1, "mg/dL", note=[{"text": evil}], method={"text": evil}, id="smuggled"),
        observation("17861-6", 7.0, evil),
    )
    for entry in labs["entry"]:
        entry["resource"]["code"]["text"] = evil
    text = json.dumps(cards(labs))
    assert "onerror" not in text
    assert "javascript" not in text
    assert "smuggled" not in text


def order(code=None, text=None):
    made = {"coding": [{"system": "http://loinc.org", "code": code}]} if code else {"text": text}
    return {"resourceType": "ServiceRequest", "id": "o", "status": "draft", "intent": "order", "code": made}


def test_orders_that_are_there_are_not_suggested():
    """While ordering, the card names the tests that would settle a finding without those being ordered."""
    suggested = {s["label"] for card in cards(path=SELECT) for s in card["suggestions"]}
    assert {"Order Parathyroid hormone, intact", "Order Creatinine"} <= suggested
    orders = bundle(
        order("2731-8"),
        order(text="Serum creatinine"),
        order(text="x"),
        {"resourceType": "NutritionOrder"},
        kind="collection",
    )
    fewer = {
        s["label"]
        for card in cards(path=SELECT, draftOrders=orders, selections=["ServiceRequest/o"])
        for s in card["suggestions"]
    }
    assert fewer == suggested - {"Order Parathyroid hormone, intact", "Order Creatinine"}


@pytest.mark.parametrize(
    "orders", [{}, {"entry": None}, {"entry": [None, 7, {"resource": 7}, {"resource": {"code": 7}}]}]
)
def test_odd_orders_are_passed_over(orders):
    """Draft orders of any shape are read as far as they are orders of tests."""
    assert len(cards(path=SELECT, draftOrders=orders, selections=[])) == 2


def test_feedback_is_handed_on_and_counted():
    """Feedback reaches the one who runs the service, item by item, and nothing else happens with it."""
    taken = []
    client = Client(create_app(on_feedback=lambda service, item: taken.append((service, item["outcome"]))))
    items = [
        {"card": INSTANCE, "outcome": "accepted", "acceptedSuggestions": [{"id": INSTANCE}], "outcomeTimestamp": "2026-01-05T10:05:31Z"},
        {"card": INSTANCE, "outcome": "overridden", "overrideReason": {"reason": {"code": "known", "system": "x"}, "userComment": "known"}, "outcomeTimestamp": "2026-01-05T10:05:31.5+01:00"},
    ]  # fmt: skip
    answer = client.post(f"{VIEW}/feedback", json={"feedback": items})
    assert answer.status_code == 200
    assert taken == [("labinterp-patient-view", "accepted"), ("labinterp-patient-view", "overridden")]
    assert CLIENT.post(f"{VIEW}/feedback", json={"feedback": items}).status_code == 200


@pytest.mark.parametrize(
    ("item", "place"),
    [
        ({}, "/feedback/0"),
        ({"card": "x", "outcome": "accepted", "outcomeTimestamp": "2026-01-05T10:05:31Z"}, "/feedback/0/card"),
        ({"card": INSTANCE, "outcome": "ignored", "outcomeTimestamp": "2026-01-05T10:05:31Z"}, "/feedback/0/outcome"),
        ({"card": INSTANCE, "outcome": "accepted", "outcomeTimestamp": "yesterday"}, "/feedback/0/outcomeTimestamp"),
    ],
)
def test_feedback_of_the_wrong_form_is_refused(item, place):
    """Feedback without a card, an outcome or a time is refused with its place."""
    answer = CLIENT.post(f"{VIEW}/feedback", json={"feedback": [item]})
    assert answer.status_code == 422
    assert answer.json()["place"] == place


@pytest.mark.parametrize("name", ["patient-view", "order-select"])
def test_calls_shaped_like_the_specification_are_answered(name):
    """Calls with the fields of the specification's examples (server, authorization, other prefetch) get cards."""
    folder = Path(__file__).parents[1] / "examples" / "data" / "cds-hooks"
    request = json.loads((folder / f"{name}.json").read_text("utf-8"))
    answer = CLIENT.post(f"/cds-services/labinterp-{name}", json=request)
    assert answer.status_code == 200
    assert answer.json()["cards"]
    assert "secret-access-token" not in answer.text


def test_pages_behind_the_links_hold_knowledge_alone():
    """Every finding has its page, which needs no token and nothing of a patient; what is none is 404."""
    locked = Client(token="s3cret")  # noqa: S106 - of this test alone
    for code in ("hypomagnesemia", "hypercalcemia", "hyperhomocysteinemia", "edta-contamination"):
        page = locked.get(f"/explain/{code}")
        assert page.status_code == 200
        assert "<script" not in page.text
    for code in ("nothing", "magnesium", "%3Cb%3E", "x" * 5000):
        assert locked.get(f"/explain/{code}").status_code == 404
