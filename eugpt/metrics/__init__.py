"""What Prometheus and probes learn of a process, on a port of its own (docs/observability.md).

`server` answers, `roles` starts it in each process of the Procfile, `pulse` says whether that
process lives. The public web port knows nothing of all this.
"""
