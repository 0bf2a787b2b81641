"""How good one head's predictions are: AUC, log loss, calibration, as training and evaluation compute them."""
