"""How one landing line is read: what it says, or the first rule of the contract that it breaks. Pure Python."""
