"""Installs manifests/platform on whatever cluster KUBECONFIG names: the order, the keys, and when a step is ready."""
