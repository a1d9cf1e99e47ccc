"""python -m changes api|worker|migrate"""

from changes.app import app

app.run()
