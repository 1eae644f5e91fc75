"""Judging an account before it goes live: questions, and what their answers must be like."""
