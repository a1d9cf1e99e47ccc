"""python -m notify api|worker|migrate"""

from notify.app import app

app.run()
