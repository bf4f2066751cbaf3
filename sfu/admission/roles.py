"""Roles, and what each may ask for. Default deny: what the table does not name is refused."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in the visit. A shared link states it, a ticket proves it."""

    CLINICIAN = "clinician"
    PATIENT = "patient"
    GUARDIAN = "guardian"
    INTERPRETER = "interpreter"
    EXTERNAL = "external"
