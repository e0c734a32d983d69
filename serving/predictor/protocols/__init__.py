"""Wire formats, independent of any server: a request's bytes or message to the data plane, and its answer back."""
