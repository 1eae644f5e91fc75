"""What is Instagram's: webhooks, their signature, the Graph API and its errors."""
