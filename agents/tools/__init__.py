"""Tools a role may call; one file each, offering `TOOL: Tool` (agents/protocols.py).

A tool is a typed function: its argument model is its JSON schema, `roles` says who is offered it, `effect` whether it may run
again after a crash. It sees the world through a ToolContext only, returns plain facts with `as_of`, and raises ToolError to
refuse. Facts carry `venue` and `symbol` when they are about an instrument. Read `get_price.py` first.
"""
