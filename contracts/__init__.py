"""What every room agrees on: tables, landing events, features, settings, byte formats. Imports nothing of ours."""
