"""The steps of a pipeline: one module of plain functions each. `steps.py` is their only Kubeflow Pipelines face."""
