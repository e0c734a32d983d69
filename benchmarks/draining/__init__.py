"""Predictors replaced one after the other behind Envoy, while clients ask."""
