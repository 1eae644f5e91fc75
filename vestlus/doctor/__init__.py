"""What is wrong with the set-up, and what to mend: checks, and probes of the real account."""
