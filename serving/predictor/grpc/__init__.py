"""The Open Inference Protocol V2 over gRPC: HTTP/2 by libnghttp2 on the process' event loop, messages by protobuf."""
