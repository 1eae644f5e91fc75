"""When posts are due: schedules, their recurrence, and what becomes of missed runs. Plain code."""
