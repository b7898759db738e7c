"""Model APIs; one file each, offering `PROVIDER: Provider` (agents/protocols.py).

A provider turns a ModelRequest into exactly one call and the answer into a ModelResponse. It never retries, never parses what
the model means, and turns every failure into a typed error. Its own message is kept in `Native`, so that it gets reasoning and
signatures back unchanged. SDKs are imported in the function that uses them. Read `anthropic.py` first.
"""
