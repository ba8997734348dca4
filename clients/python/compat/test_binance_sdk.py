"""binance-sdk-spot, Binance's own library, unmodified. Run with pytest while an exchange runs (see settings.py)."""

from binance_sdk_spot.spot import ConfigurationRestAPI, Spot

from settings import KEY, SECRET, SYMBOL, URL


def test_place_query_cancel():
    api = Spot(config_rest_api=ConfigurationRestAPI(api_key=KEY, api_secret=SECRET, base_path=URL)).rest_api
    assert api.exchange_info(symbol=SYMBOL).data().symbols[0].symbol == SYMBOL
    book = api.depth(symbol=SYMBOL, limit=5).data()
    price = int(float(book.bids[0][0]) * 0.95)
    order = api.new_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=price
    ).data()
    assert order.status == "NEW"
    assert api.get_order(symbol=SYMBOL, order_id=order.order_id).data().orig_qty == "0.01000000"
    assert order.order_id in [one.order_id for one in api.get_open_orders(symbol=SYMBOL).data()]
    assert api.delete_order(symbol=SYMBOL, order_id=order.order_id).data().status == "CANCELED"
    assert api.my_trades(symbol=SYMBOL).data() is not None
    assert api.get_account(omit_zero_balances=True).data().balances
    assert api.klines(symbol=SYMBOL, interval="1m", limit=2).data()
