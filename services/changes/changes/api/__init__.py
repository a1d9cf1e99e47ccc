"""HTTP endpoints of changes, one module per subject."""

from changes.api import consents, orders, rules, structure

routes = [orders.routes, consents.routes, structure.routes, rules.routes]
