"""python -m intake api|worker|migrate"""

from intake.app import app

app.run()
