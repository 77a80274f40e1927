"""What a data set would come to, before anybody interprets it."""

from labinterp.auditing.api import AuditReport, audit

__all__ = ["AuditReport", "audit"]
