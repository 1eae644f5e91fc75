"""The decisions about a conversation. Plain Python: no network, no store, no clock of its own."""
