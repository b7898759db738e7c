"""PLUG-IN: one kind of exchange per module or package, I/O without Django.

Each offers `VENUE` (trading.protocols.VenueDriver). It translates between the venue's wire and trading.types, classifies
every answer (accepted, rejected in the venue's own words, or unknown) and sends each order exactly once. Read
`ccxt_exchange/` first. Odd behaviour of one ccxt exchange is an entry in its table, not a file.
"""
