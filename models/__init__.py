"""Networks, losses, loading, training, calibration, registry and inference of the rankers; knows no Spark."""
