"""python -m goals api|worker|migrate"""

from goals.app import app

app.run()
