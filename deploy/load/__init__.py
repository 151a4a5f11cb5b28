"""Load and soak a EuGPT with Locust as its users would, and draw what was seen.

`make load` and `make soak`: docs/performance.md. What Locust runs (`locustfile.py`, `people*.py`)
has an environment of its own, because gevent patches the world; the rest is run by ours.
"""
