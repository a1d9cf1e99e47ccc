"""HTTP endpoints of changes, one module per subject."""

from changes.api import (
    appeal_files,
    appeals,
    compensations,
    consents,
    documents,
    form,
    hours,
    orders,
    record,
    rule_orders,
    rule_steps,
    rules,
    steps,
    structure,
    suspects,
)

routes = [
    form.routes,
    steps.routes,
    suspects.routes,
    documents.routes,
    orders.routes,
    consents.routes,
    compensations.routes,
    record.routes,
    hours.routes,
    appeals.routes,
    appeal_files.routes,
    structure.routes,
    rules.routes,
    rule_steps.routes,
    rule_orders.routes,
]
