"""ASGI middleware, one concern each; `dualtrain.api.app` has the order."""
