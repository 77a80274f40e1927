"""Beside a FHIR server such as HAPI: read new laboratory results, put back what follows from them, again and again.

Run: FHIR_TOKEN=... python examples/fhir_server_loop.py https://fhir.example.org/fhir

The ids of derived resources follow from their content, so a round that is repeated, after a crash say, changes nothing.
What a correction has overtaken is marked `entered-in-error` in the same transaction. A result that is new or changed
starts a new answer; one that is deleted or moved to another patient, or a changed birth date, does not. Needs httpx.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx

import labinterp as li

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG = {"system": "urn:example:derived", "code": "labinterp"}
OURS = f"{TAG['system']}|{TAG['code']}"
PAUSE = 30.0


def search(client: httpx.Client, kind: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Give the entries of a search, page after page, without leaving the server."""
    answer = client.get(kind, params={"_count": 100, **parameters})
    while True:
        page = answer.raise_for_status().json()
        yield from page.get("entry", [])
        following = [link["url"] for link in page.get("link", []) if link["relation"] == "next"]
        if not following:
            return
        url = client.base_url.join(following[0])
        if (url.scheme, url.netloc) != (client.base_url.scheme, client.base_url.netloc):
            raise li.InputError("the next page lies on another server")  # it would be sent our token
        answer = client.get(url)


def changed(client: httpx.Client, since: str | None) -> tuple[set[str], str | None]:
    """Return the patients with new results, and the time of the newest."""
    # `ge` reads the newest again: two results may bear one time, and reading twice does no harm.
    asked = {"category": "laboratory", "_tag:not": OURS} | ({"_lastUpdated": f"ge{since}"} if since else {})
    resources = [entry["resource"] for entry in search(client, "Observation", **asked)]
    found = [resource for resource in resources if resource["resourceType"] == "Observation"]  # the rest are warnings
    times = [resource["meta"]["lastUpdated"] for resource in found if "lastUpdated" in resource.get("meta", {})]
    named = [resource.get("subject", {}).get("reference", "") for resource in found]
    people = [person for person in named if person.startswith("Patient/")]
    if len(people) < len(found):
        print(f"{len(found) - len(people)} results name no patient of this server", file=sys.stderr)
    return set(people), max(times, default=since)


def transaction(client: httpx.Client, patient: str) -> dict[str, Any]:
    """Interpret all laboratory results of a patient, so that no panel is seen in part, and return what to send."""
    asked = {"patient": patient, "category": "laboratory", "_tag:not": OURS}
    include = ["Observation:patient", "Observation:specimen"]
    entries = list(search(client, "Observation", **asked, _include=include))
    derived = li.interpret_fhir({"resourceType": "Bundle", "type": "searchset", "entry": entries})["entry"]
    made = [entry for entry in derived if entry["resource"]["resourceType"] != "OperationOutcome"]  # no server keeps it
    kept = {entry["resource"]["id"] for entry in made}
    for kind in ("Observation", "DetectedIssue"):
        before = search(client, kind, patient=patient, _tag=OURS)
        old = [entry for entry in before if entry["resource"]["resourceType"] == kind]
        stale = [entry for entry in old if entry["resource"]["id"] not in kept]
        made += [{**entry, "resource": {**entry["resource"], "status": "entered-in-error"}} for entry in stale]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [put(entry) for entry in made]}


def put(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of a transaction, tagged so that we do not read our own answers as results."""
    resource = {**entry["resource"], "meta": {"tag": [TAG]}}
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": entry["fullUrl"], "resource": resource, "request": {"method": "PUT", "url": url}}


def one_round(client: httpx.Client, since: str | None = None) -> tuple[int, str | None]:
    """Answer what is new; return for how many patients, and from when on to ask the next time."""
    people, newest = changed(client, since)
    for patient in sorted(people):
        client.post("", json=transaction(client, patient)).raise_for_status()
    return len(people), newest


def main(url: str) -> None:
    """Go round until interrupted; a round that fails is repeated whole."""
    token = os.environ.get("FHIR_TOKEN")
    headers = {"Accept": "application/fhir+json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    since: str | None = None
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        while True:
            try:
                count, since = one_round(client, since)
                print(f"answered for {count} patients")
            except (httpx.HTTPError, li.LabInterpError) as error:
                print(f"the round failed: {type(error).__name__}", file=sys.stderr)  # its text may hold a patient's id
            time.sleep(PAUSE)


if __name__ == "__main__":
    main(sys.argv[1])
