"""Accounts: users, tokens, sessions, rate limits."""
