"""A trained encoder in a file that other programs read: safetensors or ONNX, with a model card."""
