"""From bronze to silver: typed, conformed tables. Events with unknown references are quarantined."""
