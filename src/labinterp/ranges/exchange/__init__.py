"""An edition in other forms: TOML text, CSV, FHIR."""
