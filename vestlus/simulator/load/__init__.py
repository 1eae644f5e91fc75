"""Users by the thousand: writes on a schedule drawn beforehand, and notes what came of it."""
