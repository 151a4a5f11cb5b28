"""`manage.py bench_chat`: load a running EuGPT through its sockets, check and time every word."""
