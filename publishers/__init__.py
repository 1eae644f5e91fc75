"""What leaves the service: direct messages, within limits, looked for before they are resent."""
