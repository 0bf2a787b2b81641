"""Set-up, services and the demo driver; standard library only."""
