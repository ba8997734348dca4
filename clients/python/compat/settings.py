"""Where the gateway is and which key to trade with: from the environment.

GLASSBOOK_URL (default http://127.0.0.1:7700), GLASSBOOK_KEY and GLASSBOOK_SECRET (an HMAC key of role "trade").
`cargo run --release -p gateway --example demo` starts an exchange with simulated traders and prints keys.
"""

import os

URL = os.environ.get("GLASSBOOK_URL", "http://127.0.0.1:7700").rstrip("/")
WS_URL = "ws" + URL.removeprefix("http")
KEY = os.environ.get("GLASSBOOK_KEY", "")
SECRET = os.environ.get("GLASSBOOK_SECRET", "")
SYMBOL = os.environ.get("GLASSBOOK_SYMBOL", "BTCUSD")
BASE, QUOTE = SYMBOL[:3], SYMBOL[3:]
