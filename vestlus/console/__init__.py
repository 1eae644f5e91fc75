"""What operators look at and touch over HTTP."""
