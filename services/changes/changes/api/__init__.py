"""HTTP endpoints of changes, one module per subject."""

from changes.api import consents, form, orders, rules, steps, structure

routes = [form.routes, steps.routes, orders.routes, consents.routes, structure.routes, rules.routes]
