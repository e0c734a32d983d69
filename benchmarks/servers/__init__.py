"""The predictor beside other model servers, each in its own environment, asked the same in turns."""
