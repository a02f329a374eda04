"""Predictions of trained networks: models in memory, request bodies, responses, exports, traces."""
