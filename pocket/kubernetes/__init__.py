"""The Kubernetes API of one machine: stores, checks and tells objects; turns none of them into a process."""
