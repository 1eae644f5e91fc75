"""Accounts' access tokens: kept, refreshed, handed to whoever calls Graph, connected by hand."""
