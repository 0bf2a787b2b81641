"""What several stages must agree on."""
