"""The OpenAPI description of each service, one file a service.

python -m bihuan_chassis.openapi --out FOLDER goals changes …
"""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bihuan_chassis.service import Service


def openapi_of(service: Service) -> dict[str, Any]:
    app = FastAPI(title=f"Bihuan {service.name}", version="1")
    service.include_routes(app)
    return app.openapi()


def load(name: str) -> Service:
    """The service of this name, from its package's `app` module."""
    found = importlib.import_module(f"{name}.app").app
    assert isinstance(found, Service)
    return found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bihuan_chassis.openapi")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("services", nargs="+")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.services:
        text = json.dumps(openapi_of(load(name)), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        (options.out / f"{name}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
