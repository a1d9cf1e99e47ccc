"""All apis or all workers in one process, for trying out: `python -m bihuan_tools.host api|worker PORT`."""

import sys

from bihuan_chassis.openapi import load
from bihuan_chassis.run import host
from bihuan_tools.instance import SERVICES

if __name__ == "__main__":
    sys.exit(host(sys.argv[1], [load(name) for name in SERVICES], int(sys.argv[2])))
