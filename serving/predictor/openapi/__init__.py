"""The OpenAPI 3.1 document of a predictor: true of the one model that is served."""
