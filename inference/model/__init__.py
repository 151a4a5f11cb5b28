"""The network and nothing else: no sampling, device choice, optimizer or I/O.

`config` is usable without torch, so nothing is imported here.
"""
