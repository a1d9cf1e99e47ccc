"""HTTP endpoints of changes, one module per subject."""

from changes.api import orders, rules, structure

routes = [orders.routes, structure.routes, rules.routes]
