"""From landing files to bronze: every line is kept, as an event or as a refused line with its reason."""
