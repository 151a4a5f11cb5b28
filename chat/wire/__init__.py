"""What travels over the WebSocket and in event streams, as types, and their JSON Schema.

Nothing here stands in the way of the words: entries' JSON is passed on unread. The types describe
it, for the document at /api/schema/events, and tests hold every frame of a real stack against them.
"""
