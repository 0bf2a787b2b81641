"""What a post says: language, sentiment, topics and embedding, and whether it should be looked at; knows no Spark."""
