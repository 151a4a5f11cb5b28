"""The test suite; tests/conftest.py starts the servers it runs against."""
