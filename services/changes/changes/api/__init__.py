"""HTTP endpoints of changes, one module per subject."""

from changes.api import consents, documents, form, orders, rule_steps, rules, steps, structure, suspects

routes = [
    form.routes,
    steps.routes,
    suspects.routes,
    documents.routes,
    orders.routes,
    consents.routes,
    structure.routes,
    rules.routes,
    rule_steps.routes,
]
