"""Messages in and out: FHIR, HL7 v2, OMOP. Nothing clinical."""
