"""What is wrong with a landing area, told from its files alone: no Spark, no lake."""
