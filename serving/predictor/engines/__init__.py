"""What computes a prediction. Every engine has the one face of contracts.formats.Classifier."""
