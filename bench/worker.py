"""`python -m changes worker`, hearing BOM releases only, with a consumer group of its own."""

import os
import sys
from dataclasses import replace

from bihuan_chassis import run
from bihuan_chassis.description import Subscription
from bihuan_chassis.service import Service
from bihuan_contracts import topics
from changes.app import app


class _Group(Subscription):
    @property
    def name(self) -> str:
        return os.environ["BENCH_GROUP"]


if __name__ == "__main__":
    (plain,) = [one for one in app.description.subscriptions if one.topics == (topics.BOM_RELEASES,)]
    own = _Group(plain.service, plain.topics, plain.handler)
    sys.exit(run.main(Service(replace(app.description, subscriptions=(own,))), ["worker"]))
