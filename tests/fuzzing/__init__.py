"""Broken, forged and huge requests, thrown at the HTTP surface over real sockets."""
