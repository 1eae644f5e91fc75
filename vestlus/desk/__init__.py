"""What people do by hand, whichever way they come: by commands, through the API, in the console."""
