"""JSON Schemas of CDS Hooks 2.0: discovery, requests, cards, feedback."""

from __future__ import annotations

import functools
from typing import Final

from labinterp.service.schemas import ID_PATTERN, UUID_PATTERN, Schema, list_of, object_of, text_of
from labinterp.words.service import said

_TIMESTAMP: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_URL: Final = r"^https?://[^\s]{1,2000}$"
LONGEST_SUMMARY: Final = 139


@functools.cache
def request(hook: str) -> Schema:
    """Return the schema of a call of a service."""
    context: Schema = {
        "userId": text_of(said("about", "user"), minLength=1, maxLength=256),
        "patientId": text_of(said("about", "patient_id"), pattern=ID_PATTERN),
        "encounterId": text_of(said("about", "encounter_id"), maxLength=64),
    }
    if hook == "order-select":  # both are required of clients, and not all send them
        context |= {
            "selections": list_of(text_of(maxLength=256), said("about", "selections"), maxItems=1000),
            "draftOrders": {"type": "object", "description": said("about", "draft_orders")},
        }
    return object_of(
        {
            "hook": {"const": hook},
            "hookInstance": text_of(said("about", "hook_instance"), pattern=UUID_PATTERN),
            "context": object_of(context, "userId", "patientId", closed=False),
            "prefetch": {
                "type": "object",
                "description": said("about", "prefetch"),
                "properties": {
                    "patient": {"type": ["object", "null"], "description": said("about", "prefetch_patient")},
                    "labs": {"type": ["object", "null"], "description": said("about", "prefetch_labs")},
                },
            },
            "fhirServer": text_of(said("about", "fhir_server"), pattern=_URL),
            "fhirAuthorization": {"type": "object", "description": said("about", "fhir_authorization")},
        },
        "hook",
        "hookInstance",
        "context",
        closed=False,
        title=said("title", "cds_request").format(hook=hook),
        name=f"cds-request-{hook}",
    )


@functools.cache
def response() -> Schema:
    """Return the schema of the cards."""
    coding = object_of({"system": text_of(), "code": text_of(), "display": text_of()}, "system", "code", "display")
    action = object_of(
        {"type": {"const": "create"}, "description": text_of(), "resource": {"type": "object"}},
        "type",
        "description",
        "resource",
    )
    suggestion = object_of(
        {
            "label": text_of(),
            "uuid": text_of(pattern=UUID_PATTERN),
            "isRecommended": {"type": "boolean"},
            "actions": list_of(action, minItems=1),
        },
        "label",
        "uuid",
        "isRecommended",
        "actions",
    )
    link = object_of(
        {"label": text_of(), "url": text_of(format="uri"), "type": {"const": "absolute"}}, "label", "url", "type"
    )
    card = object_of(
        {
            "uuid": text_of(pattern=UUID_PATTERN),
            "summary": text_of(said("about", "card_summary"), minLength=1, maxLength=LONGEST_SUMMARY),
            "detail": text_of(said("about", "card_detail")),
            "indicator": {"enum": ["info", "warning", "critical"]},
            "source": object_of({"label": text_of(), "topic": coding}, "label"),
            "links": list_of(link, said("about", "card_links"), minItems=1),
            "suggestions": list_of(suggestion, minItems=1),
            "selectionBehavior": {"const": "any"},
            "overrideReasons": list_of(coding, minItems=1),
        },
        "uuid",
        "summary",
        "detail",
        "indicator",
        "source",
    )
    return object_of({"cards": list_of(card)}, "cards", title=said("title", "cds_response"), name="cds-response")


@functools.cache
def discovery() -> Schema:
    """Return the schema of the list of services."""
    service = object_of(
        {
            "hook": text_of(),
            "title": text_of(),
            "description": text_of(),
            "id": text_of(),
            "prefetch": {"type": "object", "additionalProperties": text_of()},
            "usageRequirements": text_of(),
        },
        "hook",
        "title",
        "description",
        "id",
        "prefetch",
    )
    return object_of(
        {"services": list_of(service)}, "services", title=said("title", "cds_services"), name="cds-services"
    )


@functools.cache
def feedback() -> Schema:
    """Return the schema of feedback."""
    accepted = object_of({"id": text_of(said("about", "suggestion_id"), pattern=UUID_PATTERN)}, "id", closed=False)
    coding = object_of({"system": text_of(), "code": text_of(), "display": text_of()}, "code", closed=False)
    item = object_of(
        {
            "card": text_of(said("about", "card_id"), pattern=UUID_PATTERN),
            "outcome": {"enum": ["accepted", "overridden"]},
            "acceptedSuggestions": list_of(accepted, maxItems=100),
            "overrideReason": object_of({"reason": coding, "userComment": text_of()}, closed=False),
            "outcomeTimestamp": text_of(said("about", "outcome_timestamp"), pattern=_TIMESTAMP),
        },
        "card",
        "outcome",
        "outcomeTimestamp",
        closed=False,
    )
    return object_of(
        {"feedback": list_of(item, minItems=1, maxItems=1000)},
        "feedback",
        closed=False,
        title=said("title", "cds_feedback"),
        name="cds-feedback",
    )


def files() -> dict[str, Schema]:
    """Return the schemas of CDS Hooks by the stem of their files."""
    return {
        "cds-services": discovery(),
        "cds-request-patient-view": request("patient-view"),
        "cds-request-order-select": request("order-select"),
        "cds-response": response(),
        "cds-feedback": feedback(),
    }
