"""A Python that has imported what steps import, and forks for each of them: a step starts in milliseconds.

On a cluster a step has a container of its own, and nothing of this.
"""
