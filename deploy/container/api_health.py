"""Exits with 0 when the API of this container answers."""

import os
import urllib.request

PORT = os.environ.get("DUALTRAIN_PORT", "8000")

urllib.request.urlopen(f"http://127.0.0.1:{PORT}/livez", timeout=3).close()
