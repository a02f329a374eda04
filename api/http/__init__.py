"""Helpers of HTTP: content negotiation, cursors of lists, headers, tables in several forms."""
