"""The service inside a FastAPI application, mounted with one line. Run: python examples/service_fastapi.py."""

import anyio
import httpx
from fastapi import FastAPI

from labinterp.service import create_app

app = FastAPI(title="Host")
app.mount("/labinterp", create_app(ranges="us", assume_adult=True))  # the one line


@app.get("/")
def about() -> dict[str, str]:
    """Answer for the host itself."""
    return {"host": "mine"}


RESULTS = [
    {"test": "25-hydroxyvitamin D", "value": 9, "unit": "ng/mL"},
    {"test": "17861-6", "value": "7,9", "unit": "mg/dL", "reference_low": 8.6, "reference_high": 10.2},
    {"test": "albumin", "value": 4.1, "unit": "g/dL"},
]


async def main() -> None:
    """Call the mounted service as a client would; `uvicorn service_fastapi:app` serves it."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as client:
        print((await client.get("/")).json())
        print((await client.get("/labinterp/health")).json()["status"])

        answer = await client.post("/labinterp/interpret", json={"results": RESULTS, "patient": {"sex": "female"}})
        for finding in answer.json()["findings"]:
            print(finding["code"], finding["status"], [pathway["support"] for pathway in finding["pathways"]])

        services = (await client.get("/labinterp/cds-services")).json()["services"]
        print([(service["id"], service["hook"]) for service in services])

        refused = await client.post("/labinterp/interpret", json={"results": [{"test": "magnesium"}]})
        print(refused.status_code, refused.json()["place"], refused.json()["detail"])


if __name__ == "__main__":
    anyio.run(main)
