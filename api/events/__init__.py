"""Events on their way out: streams to many listeners, and webhooks."""
