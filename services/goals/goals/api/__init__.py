"""HTTP endpoints of goals, one module per subject."""

from goals.api import (
    boards,
    cycles,
    effects,
    gaps,
    goals,
    locks,
    own_goals,
    parts,
    past,
    places,
    projects,
    proofs,
    requests,
    task_edits,
    tasks,
    templates,
    tree_replies,
    trees,
    week,
    workbooks,
)

routes = [
    boards.routes, week.routes, tasks.routes, locks.routes, effects.routes, trees.routes, tree_replies.routes,
    goals.routes, task_edits.routes, parts.routes, cycles.routes, past.routes, proofs.routes, places.routes,
    gaps.routes, templates.routes, workbooks.routes, requests.routes, projects.routes, own_goals.routes,
]  # fmt: skip
