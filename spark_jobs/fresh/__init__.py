"""Posts made since the night, in the feeds of their authors' friends until the next night (``docs/fresh.md``)."""
