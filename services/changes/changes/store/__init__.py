"""Tables of changes, and functions between rows and domain values, by noun. Everything works on sets."""

from changes.store.orders import (
    StoredOrder,
    blocking_change,
    count_affected,
    find_order,
    find_orders,
    load_known,
    load_orders,
    load_rows,
    older_revisions,
    save_orders,
    save_rows,
)
from changes.store.rules import rules_in_force
from changes.store.structure import (
    find_modules,
    line_of,
    load_items,
    load_lines,
    load_structure,
    save_structure,
)
from changes.store.world import (
    changes_with_all_retests_done,
    load_world,
    people_names,
    save_people,
    save_projects,
    save_tasks,
    task_of,
    tasks_on_outdated_versions,
)

__all__ = [
    "StoredOrder",
    "blocking_change",
    "changes_with_all_retests_done",
    "count_affected",
    "find_modules",
    "find_order",
    "find_orders",
    "line_of",
    "load_items",
    "load_known",
    "load_lines",
    "load_orders",
    "load_rows",
    "load_structure",
    "load_world",
    "older_revisions",
    "people_names",
    "rules_in_force",
    "save_orders",
    "save_people",
    "save_projects",
    "save_rows",
    "save_structure",
    "save_tasks",
    "task_of",
    "tasks_on_outdated_versions",
]
