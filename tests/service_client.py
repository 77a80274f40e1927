"""A client that calls the service inside this process, without sockets."""

import anyio
import httpx

from labinterp.service import create_app

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
PANEL = {
    "patient": {"age": 54, "sex": "female"},
    "results": [
        {"test": "25-hydroxyvitamin D", "value": 9, "unit": "ng/mL"},
        {"test": "17861-6", "value": "7,9", "unit": "mg/dL", "reference_low": 8.6, "reference_high": 10.2},
        {"test": "albumin", "value": 4.1, "unit": "g/dL"},
    ],
}
TABLE = (
    "patient_id,collected_at,test,value,unit,age,sex\n"
    "a,2026-01-05,magnesium,1.1,mg/dL,54,female\n"
    "a,2026-01-05,calcium,hemolyzed,mg/dL,54,female\n"
    "b,2026-01-05,25OHD,9,ng/mL,30,male\n"
)


class Client:
    """Calls an application; `options` are those of `create_app`."""

    def __init__(self, app=None, **options):
        self.app = app or create_app(**options)

    def request(self, method, path, **more):
        """Send one request."""

        async def send():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.request(method, path, **more)

        return anyio.run(send)

    def get(self, path, **more):
        """Send a GET."""
        return self.request("GET", path, **more)

    def post(self, path, **more):
        """Send a POST."""
        return self.request("POST", path, **more)

    def interpret(self, body, kind="application/json", accept=None, path="/interpret", **headers):
        """Send a body to be interpreted; keyword arguments become headers."""
        more = {"json": body} if isinstance(body, (dict, list)) else {"content": body}
        wanted = {"accept": accept} if accept else {}
        return self.post(path, headers={"content-type": kind, **wanted, **headers}, **more)


def observation(code, value, unit, when="2026-01-05", patient="Patient/p1", **more):
    made = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": unit},
        **more,
    }
    return {**made, "subject": {"reference": patient}} if patient else made


def bundle(*resources, kind="searchset"):
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource} for resource in resources]}


def call(hook="patient-view", labs=None, patient=None, **context):
    """Return a CDS Hooks request."""
    person = {"resourceType": "Patient", "id": "p1", "birthDate": "1971-03-02", "gender": "female"}
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": {"userId": "Practitioner/7", "patientId": "p1", **context},
        "prefetch": {"patient": patient or person, "labs": labs},
    }
