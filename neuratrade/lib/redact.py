"""Takes secrets out of any text before it leaves the process: registered values first, then well-known shapes.

Exchange keys are bare strings without a shape of their own, so the register of live values matters more than the patterns.
"""

import base64
import json
import re
from urllib.parse import quote

MASK = "[redacted]"
_SHORTEST_SECRET = 8
_values: set[str] = set()

_PATTERNS = re.compile(
    "|".join(
        (
            r"(?<!\d)\d{8,10}:[A-Za-z0-9_-]{35}",  # Telegram bot token
            r"sk-(?:ant|proj|svcacct|admin)-[A-Za-z0-9_-]{8,}",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
            r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+",
            r"(?<=://)[^/\s:@]+:[^/\s:@]+(?=@)",
            r"(?<=signature=)[0-9a-f]{32,}",
            r"(?<=x-mbx-apikey: )\S+",
            r"(?<=api-sign: )\S+",
        )
    ),
    re.DOTALL | re.IGNORECASE,
)


def register_secret(value: str) -> None:
    """Remembers a live secret, in its common encodings, for as long as the process runs. Short values are refused."""
    if len(value) < _SHORTEST_SECRET:
        raise ValueError(f"a secret of under {_SHORTEST_SECRET} characters cannot be redacted safely")
    raw = value.encode()
    _values.update(
        {
            value,
            base64.b64encode(raw).decode(),
            base64.urlsafe_b64encode(raw).decode(),
            raw.hex(),
            quote(value, safe=""),
            json.dumps(value)[1:-1],
        }
    )


def redact(text: str) -> str:
    """`text` with every registered secret and every well-known key shape replaced by a mask."""
    for value in sorted(_values, key=len, reverse=True):
        text = text.replace(value, MASK)
    return _PATTERNS.sub(MASK, text)
