"""Local HTTP servers that speak the three model APIs and say what a script tells them to.

    with ModelServer("anthropic", script=debate) as server:
        ...Django settings from server.settings(), or server.environment() for another process

A script is a function Turn -> Reply (tests/agents/scripts.py). `debate` is a sensible desk; `use`, `say`, `refuse`, `cut_off`,
`fail` and `raw` make replies.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.agents.scripts import (
    PLAN,
    Call,
    Reply,
    Script,
    Turn,
    analyse,
    claim,
    cut_off,
    debate,
    fail,
    plan,
    raw,
    refuse,
    review,
    say,
    use,
)
from tests.agents.wires import WIRE

__all__ = [
    "MODELS",
    "PLAN",
    "PROTOCOLS",
    "Call",
    "ModelServer",
    "Reply",
    "Script",
    "Turn",
    "analyse",
    "claim",
    "cut_off",
    "debate",
    "fail",
    "plan",
    "raw",
    "refuse",
    "review",
    "say",
    "use",
]

PROTOCOLS = ("openai_compatible", "openai", "anthropic")
MODELS = {"openai_compatible": "local-model", "openai": "gpt-6.1-terra", "anthropic": "claude-haiku-5-5"}


class ModelServer:
    """A server on a free loopback port. `turns` is everything it was asked, in order."""

    def __init__(self, protocol: str, *, script: Script = debate) -> None:
        self.protocol, self.script = protocol, script
        self.turns: list[Turn] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server._handle(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        port = self._http.server_address[1]
        return f"http://127.0.0.1:{port}" + ("" if self.protocol == "anthropic" else "/v1")

    def settings(self) -> dict[str, Any]:
        """Django settings that send the desk's model calls here."""
        return {
            "AI_PROVIDER": self.protocol,
            "AI_MODEL": MODELS[self.protocol],
            "AI_BASE_URL": self.base_url,
            "AI_API_KEY": "key-of-the-test",
            "AI_LOCAL": self.protocol == "openai_compatible",
            "AI_RULES_FALLBACK": False,
        }

    def environment(self) -> dict[str, str]:
        """The same for another process of the desk."""
        flags = {True: "1", False: "0"}
        return {
            f"NEURATRADE_{name}": flags[value] if isinstance(value, bool) else str(value)
            for name, value in self.settings().items()
        }

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        wire = WIRE[self.protocol]
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        assert request.path.split("?")[0] == wire.path, f"{request.path} is not {wire.path}"
        turn = wire.turn(body)
        self.turns.append(turn)
        reply = self.script(turn)
        if reply.delay_s:
            time.sleep(reply.delay_s)
        text = reply.body
        if text is None:
            text = json.dumps(wire.answer(reply, model=body["model"], number=len(self.turns)))
        raw_body = text.encode()
        try:
            request.send_response(reply.status)
            request.send_header("Content-Type", reply.content_type)
            request.send_header("Content-Length", str(len(raw_body)))
            for name, value in reply.headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(raw_body)
        except OSError:
            pass  # the client did not wait
