"""Binance spot as its documentation describes it: REST, market streams and the websocket API."""
