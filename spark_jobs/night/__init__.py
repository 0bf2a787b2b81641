"""How a stage runs: the runner, the night, the lake, the gates."""
