"""Formats in and out: tables and their layouts, FHIR, HL7 v2. Nothing clinical."""
