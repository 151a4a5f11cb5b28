"""`make torture-hosts`: workers on hosts of their own, cut off from the main one in mid-answer.

Each host is a network namespace with an address, and so is the main one: nothing of a run can be
reached from outside, several runs do not meet, and the kernel removes namespaces and links with
the last of their processes. Clients and judge are those of deploy/torture.
"""
