"""What benchmarks on the real servers share: a home of their own, versions, and rows as traffic."""
