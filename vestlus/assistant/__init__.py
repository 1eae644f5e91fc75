"""The assistant: OpenAI asked for answers, in the account's voice."""
