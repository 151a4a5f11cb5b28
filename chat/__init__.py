"""Conversations, messages and the generations that answer them."""
