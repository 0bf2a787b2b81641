"""The collector: takes in what people do, and answers once it is in a stream on disk."""
