"""The HTTP service: routes, security, events, the aggregator it starts, predictions and the web page."""
