"""The command: one line of JSON when ready, a clean stop, one clear line when it cannot start, kill and restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import ccxt.async_support
import pytest

from trading.practice import keys
from trading.practice.options import client_options

SMALL = ["--instruments", "2", "--history-minutes", "60"]
ANY_PORT = ["--binance-port", "0", "--kraken-port", "0", "--control-port", "0"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command as a process of its own, ready."""
    command = [sys.executable, "-m", "trading.practice", *SMALL, *ANY_PORT, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def client_of(urls: dict[str, str], name: str) -> ccxt.async_support.Exchange:
    """A client set up as the desk would be, from ports alone."""
    ports = {f"{venue}_port": int(urls[venue].rpartition(":")[2]) for venue in ("binance", "kraken")}
    key, secret = {
        "binance": (keys.BINANCE_API_KEY, keys.BINANCE_SECRET),
        "kraken": (keys.KRAKEN_API_KEY, keys.KRAKEN_SECRET),
    }[name]
    options = client_options(**ports)
    assert json.loads(json.dumps(options)) == options
    return getattr(ccxt.async_support, name)(
        {**options[name], "apiKey": key, "secret": secret, "enableRateLimit": False}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(number):
    with running() as (process, urls):
        assert set(urls) == {"binance", "kraken", "control"}
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


async def test_a_kill_loses_nothing(tmp_path):
    state = ["--state-file", str(tmp_path / "practice.jsonl"), "--no-flow"]
    placed: dict[str, str] = {}
    with running(*state) as (process, urls):
        for name in ("binance", "kraken"):
            client = client_of(urls, name)
            await client.create_order("BTC/USDT", "market", "buy", 0.01)
            order = await client.create_order("BTC/USDT", "limit", "buy", 0.01, 90_000)
            placed[name] = order["id"]
            await client.close()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=5)
    with running(*state) as (_, urls):
        for name in ("binance", "kraken"):
            client = client_of(urls, name)
            assert [one["id"] for one in await client.fetch_open_orders("BTC/USDT")] == [placed[name]]
            assert len(await client.fetch_my_trades("BTC/USDT")) == 1
            balance = await client.fetch_balance()
            assert balance["BTC"]["total"] > 0.0099
            assert balance["USDT"]["used"] >= 900
            await client.cancel_order(placed[name], "BTC/USDT")
            await client.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--candles", "/nowhere/c.csv"], "there is no such file"),
        (["--candles", "FOO/USDT=/nowhere/c.csv"], "there is no such file"),
        (["--instruments", "999"], "1 to 50 instruments"),
        (["--speed", "0"], "speed must be above zero"),
        (["--speed", "nan"], "speed must be above zero"),
        (["--speed", "inf"], "at most 3600"),
        (["--seed", "-1"], "a seed is a whole number from 0 on"),
        (["--price", "BTC=cheap"], "is not NAME=NUMBER"),
        (["--price", "BTC=-1"], "BTC"),
        (["--binance-port", "99999999"], "a port is 0 to 65535"),
    ],
)
def test_bad_arguments_get_one_line(arguments, words):
    command = [sys.executable, "-m", "trading.practice", *SMALL, *ANY_PORT, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert words in result.stderr
    assert result.stdout == ""


def test_a_damaged_state_file_is_one_line(tmp_path):
    (tmp_path / "state.binance.jsonl").write_text("nonsense\n")
    command = [sys.executable, "-m", "trading.practice", *SMALL, *ANY_PORT]
    command += ["--state-file", str(tmp_path / "state.jsonl")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "line 1 is not readable" in result.stderr
    assert (tmp_path / "state.binance.jsonl").read_text() == "nonsense\n"
