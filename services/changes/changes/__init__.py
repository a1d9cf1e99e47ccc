"""Change orders, product structure, rules and impact."""
