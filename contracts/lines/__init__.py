"""Read one landing line: its event, or the first rule of the contract that it breaks. Pure Python."""
