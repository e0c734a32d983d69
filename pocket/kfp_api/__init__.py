"""The Kubeflow Pipelines API on one machine: what an unmodified kfp.Client needs to run pipelines, and no more."""
