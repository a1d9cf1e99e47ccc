"""`make bench`: every row against its baseline, alternating, in one run; prints `name value bar ok|short`.

Names of parts as arguments run only those: `python -m bench chain boards`. The exit code is 0 when every part could
measure, whether or not its rows reach their bars.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence

import uvloop

from bench import world
from bench.parts import PARTS, Part
from bihuan_chassis import logs
from bihuan_tools.instance import Instance


async def measure(instance: Instance, parts: Sequence[Part]) -> list[str]:
    """Prints the rows of each part; the names of those that failed. One that fails doesn't stop the others."""
    failed = []
    for part in parts:
        try:
            for row in await part(instance):
                print(row, flush=True)
        except Exception:
            failed.append(part.__name__)
            print(f"{part.__name__}: failed", flush=True)
            traceback.print_exc()
    return failed


def main() -> int:
    names = {part.__name__: part for part in PARTS}
    arguments = argparse.ArgumentParser(
        prog="python -m bench", description="Measures against baselines in the same run."
    )
    arguments.add_argument("part", nargs="*", help=f"only these of {', '.join(names)}")
    wanted = arguments.parse_args().part or list(names)
    if unknown := [name for name in wanted if name not in names]:
        arguments.error(f"unknown: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    logs.configure("bench", "WARNING")
    os.environ["BIHUAN_REQUESTS_PER_MINUTE"] = "1000000"  # one session stands for many
    with world.running() as instance:
        failed = uvloop.run(measure(instance, [names[name] for name in wanted]))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
