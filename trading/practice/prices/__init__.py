"""Where prices come from: generated, or recorded candles; and the other traders who keep the books alive."""
