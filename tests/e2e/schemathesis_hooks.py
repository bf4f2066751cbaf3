"""What no schema can say, said to schemathesis: which generated bookings and tickets keep the rules that join several fields.

Loaded by name (`SCHEMATHESIS_HOOKS`) in the tester's own process. Bodies that are meant to be refused are left as they are.
"""

from __future__ import annotations

from typing import Any

import schemathesis

PATIENT = "1177:patient"
TIMES = {"starts_at": "2030-01-01T09:00:00Z", "ends_at": "2030-01-01T09:30:00Z"}


def keep_the_rules(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body that is of its schema, with what the schema cannot say put right."""
    if operation in ("POST /api/v1/visits", "PATCH /api/v1/visits/{visit}"):
        patient = {"person": PATIENT, "name": "Per P", "birth_date": "2024-01-01"}
        known: dict[str, Any] = {"title": "Återbesök", "booking": "b:1", "unit_name": "Mottagningen", **TIMES}
        for role in ("staff", "guardians"):
            known[role] = [{"person": f"{role}:{place}", "name": "N"} for place in range(len(body.get(role) or ()))]
        return {name: {**known, "patient": patient}.get(name, value) for name, value in body.items()}
    if operation == "POST /api/v1/visits/{visit}/tickets":
        return {"person": PATIENT, "role": "patient"}
    return body


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if positive and isinstance(case.body, dict):
        case.body = keep_the_rules(case.operation.label, case.body)
