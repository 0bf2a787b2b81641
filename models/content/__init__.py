"""Models of a post's text: language, sentiment, topics, embedding, and content labels; knows no Spark."""
