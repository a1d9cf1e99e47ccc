"""python -m analytics api|worker|migrate"""

from analytics.app import app

app.run()
