"""`make torture`: the whole of EuGPT under load while its parts are killed, one after the other.

Every prompt must end in exactly one answer whose text is what the server stored, or in a clear
failure. Knows the wire, the processes and the tables of the database; imports nothing of the
apps but the wire check of the load test.
"""
