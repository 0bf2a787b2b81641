"""What all packages agree on: tables, landing events, features, settings, byte formats. Imports none of them."""
