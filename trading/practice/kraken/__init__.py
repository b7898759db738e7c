"""Kraken spot as its documentation describes it: REST and websocket version 2."""
