"""python-binance and binance-connector, unmodified. Run with pytest while an exchange with simulated traders runs (see
settings.py)."""

import asyncio
import json
import threading
import time

import pytest
from binance import AsyncClient, BinanceSocketManager, Client, DepthCacheManager
from binance.exceptions import BinanceAPIException
from binance.spot import Spot
from binance.websocket.spot.websocket_stream import SpotWebsocketStreamClient

from settings import BASE, KEY, QUOTE, SECRET, SYMBOL, URL, WS_URL


# What a new user does: other URLs.
for kind in (Client, AsyncClient):
    kind.API_URL = f"{URL}/api"
    kind.MARGIN_API_URL = f"{URL}/sapi"
    kind.WS_API_URL = f"{WS_URL}/ws-api/v3"


@pytest.fixture(scope="module")
def client():
    return Client(KEY, SECRET)


@pytest.fixture(scope="module")
def connector():
    return Spot(api_key=KEY, api_secret=SECRET, base_url=URL)


def far_below(client):
    bid = float(client.get_orderbook_ticker(symbol=SYMBOL)["bidPrice"])
    return str(int(bid * 0.95))


def test_market_data(client):
    assert client.ping() == {} and client.get_system_status()["status"] == 0
    assert abs(client.get_server_time()["serverTime"] - time.time() * 1000) < 2000
    info = client.get_symbol_info(SYMBOL)
    assert (info["baseAsset"], info["quoteAsset"]) == (BASE, QUOTE)
    book = client.get_order_book(symbol=SYMBOL, limit=5)
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    trades = client.get_recent_trades(symbol=SYMBOL, limit=10)
    first = trades[0]["id"]
    assert [trade["id"] for trade in trades] == list(range(first, first + len(trades)))
    assert client.get_historical_trades(symbol=SYMBOL, fromId=first, limit=1)[0] == trades[0]
    assert client.get_aggregate_trades(symbol=SYMBOL, limit=5)
    assert client.get_klines(symbol=SYMBOL, interval="1m", limit=3)[-1][4]
    assert float(client.get_avg_price(symbol=SYMBOL)["price"]) > 0
    assert client.get_ticker(symbol=SYMBOL)["count"] > 0
    assert {ticker["symbol"] for ticker in client.get_all_tickers()} >= {SYMBOL, "ETHUSD"}
    assert len(client.get_orderbook_tickers()) >= 3


def test_account(client):
    account = client.get_account()
    assert account["canTrade"] and account["accountType"] == "SPOT"
    assert float(client.get_asset_balance(asset=QUOTE)["free"]) > 0
    assert float(client.get_trade_fee(symbol=SYMBOL)[0]["takerCommission"]) > 0


def test_place_query_list_cancel(client):
    order = client.order_limit_buy(symbol=SYMBOL, quantity="0.002", price=far_below(client))
    assert order["status"] == "NEW" and order["fills"] == []
    assert client.get_order(symbol=SYMBOL, orderId=order["orderId"])["status"] == "NEW"
    by_name = client.get_order(symbol=SYMBOL, origClientOrderId=order["clientOrderId"])
    assert by_name["orderId"] == order["orderId"]
    assert order["orderId"] in [one["orderId"] for one in client.get_open_orders(symbol=SYMBOL)]
    assert client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])["status"] == "CANCELED"
    assert client.get_all_orders(symbol=SYMBOL, limit=10)[-1]["orderId"] == order["orderId"]
    with pytest.raises(BinanceAPIException) as raised:
        client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])
    assert raised.value.code == -2011


def test_market_order_and_own_trades(client):
    order = client.order_market_buy(symbol=SYMBOL, quantity="0.002")
    assert order["status"] == "FILLED" and sum(float(fill["qty"]) for fill in order["fills"]) == 0.002
    trades = client.get_my_trades(symbol=SYMBOL, orderId=order["orderId"])
    assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in order["fills"]]
    assert client.create_test_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.002") == {}


def test_errors_have_their_codes(client):
    def code(**order):
        with pytest.raises(BinanceAPIException) as raised:
            client.create_order(symbol=SYMBOL, side="BUY", **order)
        return raised.value.code

    assert code(type="LIMIT", timeInForce="GTC", quantity="0.0015", price=far_below(client)) == -1013
    assert code(type="LIMIT", timeInForce="GTC", quantity="0.001", price="1.5") == -1013
    assert code(type="LIMIT", quantity="0.001", price=far_below(client)) == -1102
    assert code(type="MARKET", quantity="0.001", price="1") == -1106
    assert code(type="STRANGE", quantity="0.001") == -1116
    assert code(type="LIMIT", timeInForce="GTC", quantity="0.123456789", price="1") == -1111
    with pytest.raises(BinanceAPIException) as raised:
        Client(KEY, "x" * 64).get_account()
    assert raised.value.code == -1022
    with pytest.raises(BinanceAPIException) as raised:
        client.get_order(symbol=SYMBOL, orderId=1)
    assert raised.value.code == -2013
    with pytest.raises(BinanceAPIException) as raised:
        client.get_open_oco_orders()
    assert (raised.value.status_code, raised.value.code) == (404, -1020)


def test_the_connector(connector):
    assert connector.ping() == {}
    assert connector.exchange_info(symbol=SYMBOL)["symbols"][0]["symbol"] == SYMBOL
    assert connector.depth(SYMBOL, limit=5)["bids"]
    assert connector.ticker_24hr(SYMBOL)["symbol"] == SYMBOL
    assert connector.ticker_24hr(symbols=[SYMBOL, "ETHUSD"])[1]["symbol"] == "ETHUSD"
    assert connector.rolling_window_ticker(SYMBOL, windowSize="2h")["count"] > 0
    bid = float(connector.book_ticker(SYMBOL)["bidPrice"])
    price = str(int(bid * 0.95))
    terms = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order = connector.new_order(**terms, quantity="0.002", price=price, newOrderRespType="RESULT")
    replaced = connector.cancel_and_replace(
        **terms, quantity="0.003", price=price, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"]
    )
    assert replaced["cancelResult"] == replaced["newOrderResult"] == "SUCCESS"
    assert connector.get_open_orders(SYMBOL)[-1]["origQty"] == "0.00300000"
    assert connector.cancel_open_orders(SYMBOL)[-1]["status"] == "CANCELED"
    assert connector.get_order_rate_limit()[0]["rateLimitType"] == "ORDERS"
    assert connector.account()["uid"] > 0
    assert connector.my_trades(SYMBOL) is not None
    assert connector.coin_info()
    key = connector.new_listen_key()["listenKey"]
    assert connector.renew_listen_key(key) == {} and connector.close_listen_key(key) == {}


def test_the_connectors_streams():
    messages, both = [], threading.Event()

    def take(_, message):
        messages.append(json.loads(message))
        if {"bookTicker", "kline"} <= {kind(message) for message in messages}:
            both.set()

    def kind(message):
        return "bookTicker" if "u" in message else message.get("e")

    streams = SpotWebsocketStreamClient(stream_url=WS_URL, on_message=take)
    streams.book_ticker(symbol=SYMBOL)
    streams.kline(symbol=SYMBOL, interval="1m")
    try:
        assert both.wait(20), messages[:3]
    finally:
        streams.stop()


def test_a_local_book_and_the_users_own_stream():
    async def watch():
        client = AsyncClient(KEY, SECRET)
        try:
            manager = BinanceSocketManager(client)
            manager.STREAM_URL = manager.STREAM_TESTNET_URL = f"{WS_URL}/"
            cache = DepthCacheManager(client, SYMBOL, bm=manager)
            async with cache as books:
                for _ in range(5):
                    book = await books.recv()
                    assert book.get_bids()[0][0] < book.get_asks()[0][0]
            async with manager.trade_socket(SYMBOL) as trades:
                assert (await trades.recv())["s"] == SYMBOL
            # With a pace in its name.
            async with manager.miniticker_socket() as tickers:
                assert (await tickers.recv())[0]["e"] == "24hrMiniTicker"
            async with manager.user_socket() as own:
                order = await client.order_market_buy(symbol=SYMBOL, quantity="0.001")
                seen = []
                while "outboundAccountPosition" not in seen:
                    message = await asyncio.wait_for(own.recv(), 10)
                    message = message.get("event", message)
                    seen.append(message["e"])
                    if message["e"] == "executionReport":
                        assert message["i"] == order["orderId"]
                assert "executionReport" in seen
        finally:
            await client.close_connection()

    asyncio.run(asyncio.wait_for(watch(), 60))


def test_orders_over_the_websocket_api():
    async def trade():
        client = AsyncClient(KEY, SECRET)
        try:
            assert (await client.ws_get_order_book(symbol=SYMBOL, limit=5))["bids"]
            order = await client.ws_create_order(
                symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.002",
                price=str(int(float((await client.ws_get_orderbook_ticker(symbol=SYMBOL))["bidPrice"]) * 0.95)),
            )
            assert (await client.ws_get_order(symbol=SYMBOL, orderId=order["orderId"]))["status"] == "NEW"
            assert (await client.ws_get_account())["balances"]
            cancelled = await client.ws_cancel_order(symbol=SYMBOL, orderId=order["orderId"])
            assert cancelled["status"] == "CANCELED"
        finally:
            await client.close_connection()

    asyncio.run(asyncio.wait_for(trade(), 60))
