"""`python -m SERVICE worker`, hearing one topic only, with a consumer group of its own."""

import os
import sys
from dataclasses import replace

from bihuan_chassis import run
from bihuan_chassis.description import Subscription
from bihuan_chassis.openapi import load
from bihuan_chassis.service import Service
from bihuan_contracts import topics


class _Group(Subscription):
    @property
    def name(self) -> str:
        return os.environ["BENCH_GROUP"]


if __name__ == "__main__":
    app = load(os.environ["BENCH_SERVICE"])
    heard = topics.named(os.environ["BENCH_TOPIC"])
    (plain,) = [one for one in app.description.subscriptions if one.topics == (heard,)]
    own = _Group(plain.service, plain.topics, plain.handler)
    sys.exit(run.main(Service(replace(app.description, subscriptions=(own,))), ["worker"]))
