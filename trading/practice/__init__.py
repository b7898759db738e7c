"""Practice venues: other people's exchanges, rebuilt on loopback so that real client libraries trade against them.

Binance spot and Kraken spot are spoken over REST and websockets, with matching, fees, signatures, rate limits
and injectable faults. Start them with ``python -m trading.practice`` or, in a test, with
``async with PracticeVenues(...)`` from ``trading.practice.venues``. The package shares no code with the
product's venue clients: a mistake made twice the same way would prove nothing.
"""
