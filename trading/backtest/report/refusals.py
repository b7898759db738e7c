"""Why a wanted entry was not made, in words."""

from collections.abc import Mapping

_WORDS: Mapping[str, str] = {
    "max_notional": "above the largest order allowed",
    "leverage": "leverage limit",
    "exposure_asset": "exposure limit of the asset",
    "exposure_venue": "exposure limit of the venue",
    "balance": "not enough free cash",
    "risk_per_trade": "risk per trade",
    "kelly": "Kelly size zero: no edge left after costs at the claimed confidence",
    "min_size": "below the venue's least size",
    "min_notional": "below the venue's least value",
    "no_stop": "no stop was given",
    "bad_target": "target not above the entry price",
    "open_positions": "as many positions open as allowed",
    "no_equity": "no equity left",
}


def in_words(reason: str) -> str:
    """A refusal's reason for reading; one that is not known here as it is."""
    return _WORDS.get(reason, reason.replace("_", " "))
