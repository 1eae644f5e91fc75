"""What people do by hand, whichever way they come: by command, console or API."""
