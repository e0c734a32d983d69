"""The predictor: one verified model behind V1 REST, V2 REST and V2 gRPC."""
