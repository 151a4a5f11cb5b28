"""EuGPT on one machine without Docker: embedded servers, supervisor, front-end build.

Used by `make run` (python -m deploy.local run) and, for the servers and the process table, by
the tests. The launcher itself never imports Django.
"""
