"""From bronze to silver: typed, conformed tables. Events whose references do not hold are quarantined."""
