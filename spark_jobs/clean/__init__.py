"""From bronze to silver: typed, conformed tables whose references hold; what does not is quarantined."""
