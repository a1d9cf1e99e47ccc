"""HTTP endpoints of changes, one module per subject."""

from changes.api import consents, form, orders, rules, steps, structure, suspects

routes = [form.routes, steps.routes, suspects.routes, orders.routes, consents.routes, structure.routes, rules.routes]
