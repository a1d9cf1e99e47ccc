"""HTTP endpoints of changes, one module per subject."""

from changes.api import consents, form, orders, rule_steps, rules, steps, structure, suspects

routes = [
    form.routes,
    steps.routes,
    suspects.routes,
    orders.routes,
    consents.routes,
    structure.routes,
    rules.routes,
    rule_steps.routes,
]
