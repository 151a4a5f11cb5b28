"""Continuous batching over the network. Speaks token ids; knows no Django, Celery or Redis.

Importing this package does not import torch: `params` and `scheduler` are used without it.
"""
