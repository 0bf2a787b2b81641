"""What a post says: language, sentiment, topics and embedding, read from its text; knows no Spark."""
