"""The Broker of one machine: CloudEvents over HTTP, kept in NATS JetStream, delivered by Triggers as Knative does."""
