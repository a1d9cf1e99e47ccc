"""JSON Schemas of all events, as other applications read them.

python -m bihuan_contracts.schemas write     refresh schemas/ from the models
python -m bihuan_contracts.schemas release   make today's schemas the ones that later ones must be compatible with
"""

import json
import sys
from pathlib import Path
from typing import Any

from bihuan_contracts import topics
from bihuan_contracts.topic import Topic

FOLDER = Path(__file__).parent.parent / "schemas"
RELEASED = FOLDER / "released"


def schema_of(topic: Topic) -> dict[str, Any]:
    """JSON Schema 2020-12 of the body of one topic's records.

    It is the schema that producers validate against: what a consumer must be ready to read.
    """
    schema = topic.event.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{topic.type}.json", **schema}


def text_of(topic: Topic) -> str:
    return json.dumps(schema_of(topic), ensure_ascii=False, indent=2) + "\n"


def write(folder: Path) -> None:
    """Write one file a topic and remove files of topics that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for topic in topics.ALL:
        (folder / f"{topic.name}.json").write_text(text_of(topic), encoding="utf-8")
    wanted = {f"{topic.name}.json" for topic in topics.ALL}
    for file in folder.glob("*.json"):
        if file.name not in wanted:
            file.unlink()


def main() -> int:
    if sys.argv[1:] == ["write"]:
        write(FOLDER)
    elif sys.argv[1:] == ["release"]:
        write(FOLDER)
        write(RELEASED)
    else:
        sys.stderr.write((__doc__ or "") + "\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
