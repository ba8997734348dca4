"""ccxt, unmodified: only the URLs differ. Run with pytest while an exchange with simulated traders runs (see settings.py)."""

import asyncio
import time
from decimal import Decimal

import ccxt
import ccxt.pro
import pytest

from settings import BASE, KEY, QUOTE, SECRET, SYMBOL, URL, WS_URL

PAIR = f"{BASE}/{QUOTE}"


def configure(exchange):
    """What a new user does: other URLs."""
    api = exchange.urls["api"]
    api["public"] = api["private"] = f"{URL}/api/v3"
    api["v1"] = f"{URL}/api/v1"
    for name in [name for name in api if name.startswith("sapi")]:
        api[name] = f"{URL}/sapi/v1"
    if "ws" in api:
        api["ws"]["spot"] = f"{WS_URL}/ws"
        api["ws"]["ws-api"]["spot"] = f"{WS_URL}/ws-api/v3"
    # Only the spot market, and no calls about margin, which there is not.
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.options["fetchMargins"] = False
    return exchange


def credentials():
    return {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False}


@pytest.fixture(scope="module")
def exchange():
    exchange = configure(ccxt.binance(credentials()))
    exchange.load_markets()
    return exchange


def far_below(exchange):
    """A price that will not trade, inside the collar."""
    bid = exchange.fetch_order_book(PAIR, 5)["bids"][0][0]
    return float(exchange.price_to_precision(PAIR, bid * 0.95))


def test_markets_have_their_steps(exchange):
    market = exchange.market(PAIR)
    assert market["active"] and market["spot"]
    assert market["precision"]["price"] > 0 and market["precision"]["amount"] > 0
    assert market["limits"]["amount"]["min"] == market["precision"]["amount"]
    assert {"BTC/USD", "ETH/USD", "SOL/USD"} <= set(exchange.symbols)


def test_market_data(exchange):
    assert abs(exchange.fetch_time() - time.time() * 1000) < 2000
    assert exchange.fetch_status()["status"] == "ok"
    book = exchange.fetch_order_book(PAIR, 10)
    assert book["bids"][0][0] < book["asks"][0][0] and len(book["bids"]) <= 10
    trades = exchange.fetch_trades(PAIR, limit=20)
    assert trades and all(trade["amount"] > 0 for trade in trades)
    candles = exchange.fetch_ohlcv(PAIR, "1m", limit=5)
    assert candles and all(low <= open_ <= high for _, open_, high, low, _, _ in candles)
    ticker = exchange.fetch_ticker(PAIR)
    assert ticker["bid"] < ticker["ask"] and ticker["last"] > 0
    assert PAIR in exchange.fetch_tickers() and PAIR in exchange.fetch_tickers([PAIR])
    assert exchange.fetch_bids_asks([PAIR])[PAIR]["bid"] > 0
    assert exchange.fetch_last_prices([PAIR])[PAIR]["price"] > 0


def test_balance_and_fees(exchange):
    balance = exchange.fetch_balance()
    assert balance[QUOTE]["free"] > 0 and balance[BASE]["total"] >= balance[BASE]["free"]
    assert exchange.fetch_trading_fee(PAIR)["taker"] > 0
    assert BASE in exchange.fetch_currencies()


def test_place_query_list_cancel(exchange):
    price = far_below(exchange)
    order = exchange.create_limit_buy_order(PAIR, 0.002, price)
    assert order["status"] == "open" and order["filled"] == 0
    queried = exchange.fetch_order(order["id"], PAIR)
    assert queried["clientOrderId"] == order["clientOrderId"] and queried["price"] == price
    assert order["id"] in [one["id"] for one in exchange.fetch_open_orders(PAIR)]
    cancelled = exchange.cancel_order(order["id"], PAIR)
    assert cancelled["id"] == order["id"] and cancelled["status"] == "canceled"
    assert exchange.fetch_order(order["id"], PAIR)["status"] == "canceled"
    assert order["id"] in [one["id"] for one in exchange.fetch_orders(PAIR)]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(order["id"], PAIR)


def test_a_client_order_id_comes_back(exchange):
    name = f"my-order/{int(time.time() * 1000)}"
    order = exchange.create_order(PAIR, "limit", "buy", 0.002, far_below(exchange), {"newClientOrderId": name})
    assert order["clientOrderId"] == name
    assert exchange.fetch_order(None, PAIR, {"clientOrderId": name})["id"] == order["id"]
    with pytest.raises(ccxt.ExchangeError, match="Duplicate"):
        exchange.create_order(PAIR, "limit", "buy", 0.002, far_below(exchange), {"newClientOrderId": name})
    assert exchange.cancel_order(None, PAIR, {"clientOrderId": name})["clientOrderId"] == name


def test_market_orders_fill_and_their_trades_are_listed(exchange):
    bought = exchange.create_market_buy_order(PAIR, 0.003)
    assert bought["status"] == "closed" and bought["filled"] == 0.003 and bought["fee"]["currency"] == QUOTE
    spent = exchange.create_order(PAIR, "market", "buy", None, None, {"quoteOrderQty": 500})
    assert 0 < spent["cost"] <= 500
    sold = exchange.create_market_sell_order(PAIR, 0.003)
    assert sold["average"] > 0
    mine = exchange.fetch_my_trades(PAIR)
    assert {bought["id"], spent["id"], sold["id"]} <= {trade["order"] for trade in mine}
    of_one = exchange.fetch_order_trades(bought["id"], PAIR)
    total = sum(Decimal(str(trade["amount"])) for trade in of_one)
    assert total == Decimal("0.003")


def test_replace_and_cancel_all(exchange):
    price = far_below(exchange)
    order = exchange.create_limit_buy_order(PAIR, 0.002, price)
    edited = exchange.edit_order(order["id"], PAIR, "limit", "buy", 0.004, price)
    assert edited["amount"] == 0.004 and edited["id"] != order["id"]
    exchange.create_order(PAIR, "limit", "buy", 0.001, price, {"postOnly": True})
    exchange.cancel_all_orders(PAIR)
    assert exchange.fetch_open_orders(PAIR) == []


def test_stop_orders_wait(exchange):
    price = far_below(exchange)
    order = exchange.create_order(
        PAIR, "limit", "sell", 0.002, price, {"stopLossPrice": price, "timeInForce": "GTC"}
    )
    assert exchange.fetch_order(order["id"], PAIR)["stopPrice"] == price
    exchange.cancel_order(order["id"], PAIR)


def test_errors_become_ccxts_own(exchange):
    with pytest.raises(ccxt.BadSymbol):
        exchange.publicGetDepth({"symbol": "NOSUCH"})
    too_much = exchange.amount_to_precision(PAIR, exchange.fetch_balance()[BASE]["free"] + 1)
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_market_sell_order(PAIR, float(too_much))
    ask = exchange.fetch_order_book(PAIR, 5)["asks"][0][0]
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        exchange.create_order(PAIR, "limit", "buy", 0.001, ask * 1.01, {"postOnly": True})
    stranger = configure(ccxt.binance({"apiKey": KEY, "secret": "x" * 64}))
    stranger.options["fetchCurrencies"] = False
    with pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()


def test_the_book_is_watched():
    async def watch():
        exchange = configure(ccxt.pro.binance(credentials()))
        try:
            await exchange.load_markets()
            for _ in range(10):
                book = await exchange.watch_order_book(PAIR)
                assert book["bids"][0][0] < book["asks"][0][0]
            trades = await exchange.watch_trades(PAIR)
            assert trades[-1]["price"] > 0
            ticker = await exchange.watch_ticker(PAIR)
            assert ticker["last"] > 0
            candles = await exchange.watch_ohlcv(PAIR, "1m")
            assert candles[-1][4] > 0
            # The book that was kept is the book that is.
            own = await exchange.watch_order_book(PAIR)
            assert len(own["bids"]) > 5
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(watch(), 60))


def test_own_orders_are_watched():
    async def watch():
        exchange = configure(ccxt.pro.binance(credentials()))
        try:
            await exchange.load_markets()
            waiting = asyncio.ensure_future(exchange.watch_orders(PAIR))
            await asyncio.sleep(1.5)
            order = await exchange.create_market_buy_order(PAIR, 0.001)
            seen = await asyncio.wait_for(waiting, 20)
            assert order["id"] in [one["id"] for one in seen]
        finally:
            await exchange.close()

    asyncio.run(asyncio.wait_for(watch(), 60))
