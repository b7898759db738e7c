"""Only the venue's own listed code, in an answer that is whole and no server error, is a no. All else is doubt."""

import pytest

from trading.venues.ccxt_exchange.rejections import definite_rejection

NO = [
    (
        "binance",
        400,
        '{"code":-2010,"msg":"Account has insufficient balance for requested action."}',
        "-2010",
    ),
    ("binance", 400, '{"code":-1013,"msg":"Filter failure: NOTIONAL"}', "-1013"),
    (
        "binance",
        400,
        '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}',
        "-1021",
    ),
    ("binance", 429, '{"code":-1003,"msg":"Too many requests."}', "-1003"),
    ("kraken", 200, '{"error":["EOrder:Insufficient funds"]}', "EOrder:Insufficient funds"),
    (
        "kraken",
        200,
        '{"error":["EOrder:Tick size check failed"],"result":{}}',
        "EOrder:Tick size check failed",
    ),
    ("kraken", 200, '{"error":["EGeneral:Invalid arguments:volume"]}', "EGeneral:Invalid arguments:volume"),
]
DOUBT = [
    ("binance", 400, '{"code":-2010,"msg":"Duplicate order sent."}'),
    ("binance", 503, '{"code":-2010,"msg":"Account has insufficient balance."}'),
    ("binance", 504, '{"code":-1007,"msg":"Timeout waiting for response from backend server."}'),
    ("binance", 400, '{"code":-1006,"msg":"An unexpected response was received"}'),
    ("binance", 400, '{"code":-9999,"msg":"new code"}'),
    ("binance", 200, "<html>ok</html>"),
    ("binance", 200, '{"code":-2010,"ms'),
    ("binance", 200, "{}"),
    ("binance", 200, "[]"),
    ("binance", 400, '{"code":"-2010","msg":"text instead of a number"}'),
    ("kraken", 200, '{"error":["EService:Timeout"]}'),
    ("kraken", 200, '{"error":["EService:Busy"]}'),
    ("kraken", 200, '{"error":["EGeneral:Internal error"]}'),
    ("kraken", 200, '{"error":["EOrder:Insufficient funds","EService:Timeout"]}'),
    ("kraken", 200, '{"error":["EOrder:Insufficient funds"],"result":{"txid":["OABC"]}}'),
    ("kraken", 200, '{"error":[]}'),
    ("kraken", 200, '{"error":"EOrder:Insufficient funds"}'),
    ("kraken", 520, '{"error":["EOrder:Insufficient funds"]}'),
    ("okx", 200, '{"code":"51008"}'),
]


@pytest.mark.parametrize(("client", "status", "body", "code"), NO)
def test_a_listed_code_is_a_no(client: str, status: int, body: str, code: str) -> None:
    rejection = definite_rejection(client, status=status, body=body)
    assert rejection is not None
    assert rejection.code == code
    assert rejection.message


@pytest.mark.parametrize(("client", "status", "body"), DOUBT)
def test_everything_else_is_doubt(client: str, status: int, body: str) -> None:
    assert definite_rejection(client, status=status, body=body) is None
