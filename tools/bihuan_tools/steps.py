"""Running steps with progress shown."""

from collections.abc import Iterator

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bihuan_tools.instance import Step
from bihuan_tools.output import console, fail, say, tell
from bihuan_tools.stack import StackError


def run_steps(steps: Iterator[Step]) -> None:
    """Run steps with progress shown on a terminal, one line each otherwise."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=False,
        disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        try:
            for step in steps:
                task = progress.add_task(say(step.zh, step.en), total=1)
                if not console.is_terminal:
                    tell(step.zh, step.en)
                step.run()
                progress.update(task, completed=1)
        except StackError as error:
            fail(error.text.zh, error.text.en)
