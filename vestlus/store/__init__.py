"""The truth: leases, conversations, the ledger of what is sent, dead letters."""
