"""The event log: payload and label events become Parquet on S3, and full windows are told. All its state is on S3."""
