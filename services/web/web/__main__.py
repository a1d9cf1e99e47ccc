"""python -m web api|worker|migrate"""

from web.app import app

app.run()
