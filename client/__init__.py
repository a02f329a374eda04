"""The HTTP client and the command line."""
