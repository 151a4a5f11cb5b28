"""Benchmarks of the bare engine, beside plain loops and beside other programs.

Workload and statistics need no Django and no torch, so that each program can be measured by the
same code in a process and an environment of its own.
"""
