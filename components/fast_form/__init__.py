"""The fast form of a model: the same computation as an ONNX file, made and verified when the version is registered."""
