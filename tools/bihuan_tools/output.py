"""How the command speaks: Chinese or English, tables or JSON, no colour when piped."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class Speech:
    """The language of this call; `--lang` wins over the environment."""

    language = "en" if os.environ.get("BIHUAN_LANG", os.environ.get("LC_ALL", "zh")).startswith("en") else "zh"


def say(zh: str, en: str) -> str:
    return en if Speech.language == "en" else zh


def tell(zh: str, en: str) -> None:
    console.print(say(zh, en))


def fail(zh: str, en: str, code: int = 1) -> NoReturn:
    errors.print(f"[red]{say(zh, en)}[/red]" if sys.stderr.isatty() else say(zh, en))
    raise typer.Exit(code)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)
