"""Files of other frameworks that people bring as `--model`, and the way of each to an int8 .tflite."""

from __future__ import annotations

from pathlib import Path

REPRESENTATIVE = "with a representative data set"
CONVERTER = f"tf.lite.TFLiteConverter.{{}} {REPRESENTATIVE} and TFLITE_BUILTINS_INT8"
WAYS = {
    ".onnx": f"an ONNX file: `onnx2tf -i FILE -oiqt` {REPRESENTATIVE} (-cind) writes an int8 .tflite; give that",
    ".pb": "a TensorFlow graph: save the Keras model as .keras, or convert its folder by "
    + CONVERTER.format("from_saved_model")
    + ", and give the int8 .tflite",
    ".mlmodel": "a Core ML file: it can't be converted back; export the network that it was made from as .keras, or as "
    "ONNX and `onnx2tf -oiqt`",
    ".ckpt": "a checkpoint, weights alone: load it into its network, and save that as .keras",
    ".json": "a configuration without weights: save the whole network with model.save('FILE.keras')",
    ".tf": "a SavedModel: convert it by " + CONVERTER.format("from_saved_model") + ", and give the int8 .tflite",
    ".cc": "C source: give the .tflite that it was made from",
}
TORCH_WAY = (
    "a PyTorch file: export it with litert-torch (ai-edge-torch) and its PT2E int8 quantization, or as ONNX with "
    "`onnx2tf -oiqt`, and give the int8 .tflite"
)
SAVED_MODEL = "saved_model.pb"
SUFFIXES = {
    **WAYS, **dict.fromkeys((".pt", ".pth", ".pt2", ".safetensors"), TORCH_WAY),
    ".mlpackage": WAYS[".mlmodel"], ".pbtxt": WAYS[".pb"], ".lite": "rename it to .tflite if it is one",
    ".hdf5": "rename it to .h5 if Keras wrote it", ".c": WAYS[".cc"], ".h": WAYS[".cc"],
}  # fmt: skip


def way_to_tflite(model: str) -> str | None:
    """Return what a file or folder of another framework is, and how it becomes a .tflite; None for all other names."""
    path = Path(model)
    if path.is_dir():
        if (path / SAVED_MODEL).is_file():
            return WAYS[".tf"].replace("a SavedModel", "a SavedModel folder")
        return "a folder; expected a .keras, .h5 or int8 .tflite file" if path.suffix or path.name != model else None
    return SUFFIXES.get(path.suffix.lower())
