"""Turns objects of the pocket's Kubernetes API into processes behind Envoy."""
