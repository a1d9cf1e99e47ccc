"""HTTP endpoints of goals, one module per subject."""

from goals.api import boards, effects, past, tasks, trees, week

routes = [boards.routes, week.routes, tasks.routes, effects.routes, trees.routes, past.routes]
