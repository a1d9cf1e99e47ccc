"""python -m feedback api|worker|migrate"""

from feedback.app import app

app.run()
