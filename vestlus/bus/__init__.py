"""The durable queues between the services: one port, two adapters."""
