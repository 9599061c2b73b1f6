"""Endings of file names that other formats have, and what reads and writes those."""

from __future__ import annotations

__all__ = ["HDF5", "check_loaded", "check_weights", "check_whole"]

EXPORT = "export_onnx() writes ONNX, which other tools convert"
# By ending: the format, what writes it, and what reads it.
FORMATS = {
    ".c": ("C", "model.export_c() writes it", "no file of C is read"),
    ".ckpt": ("a checkpoint of another library", "Checkpoint(model) writes ours", "its own library reads it"),
    ".joblib": ("joblib", "joblib.dump(model, path) writes it", "joblib.load(path) reads it"),
    ".json": ("JSON", "model.to_json() is its text", "models.model_from_json(text) reads it"),
    ".mlmodel": ("Core ML", EXPORT, "its own tools read it"),
    ".npy": ("NumPy", "np.save(path, array) writes an array", "model.set_weights() takes arrays"),
    ".npz": ("NumPy", "np.savez(path, *model.get_weights()) writes arrays", "model.set_weights() takes arrays"),
    ".onnx": ("ONNX", "model.export_onnx() writes it", "models.from_onnx() reads it"),
    ".pb": ("TensorFlow", EXPORT, "convert it to ONNX for models.from_onnx()"),
    ".pickle": ("pickle", "pickle.dump(model, file) writes it", "pickle.load(file) reads it"),
    ".pkl": ("pickle", "pickle.dump(model, file) writes it", "pickle.load(file) reads it"),
    ".pt": ("PyTorch", "torch.save(models.to_torch(model), path) writes it", "models.from_torch() takes its modules"),
    ".tflite": ("TensorFlow Lite", EXPORT, "convert it to ONNX for models.from_onnx()"),
}
FORMATS[".pth"] = FORMATS[".pt"]
HDF5 = (".h5", ".hdf5")


def _format_of(path: str) -> tuple[str, str, str] | None:
    return next((found for ending, found in FORMATS.items() if path.lower().endswith(ending)), None)


def check_whole(path: str) -> None:
    """Refuse an ending of a whole model's file that says it is something else.

    Raises
    ------
    ValueError
        With the call that writes such a file.
    """
    if path.endswith(HDF5):
        raise ValueError(
            f"filepath must have another ending: whole models are not written as HDF5; got {path!r}. "
            "save_weights() writes Keras's .weights.h5, save() its .keras."
        )
    if path.endswith(".safetensors"):
        raise ValueError(
            "filepath must have another ending: safetensors are weights alone, which save_weights() writes; "
            f"got {path!r}."
        )
    check_weights(path)


def check_weights(path: str) -> None:
    """Refuse an ending of a file of weights that says it is something else; raises as `check_whole`."""
    found = _format_of(path)
    if found is not None:
        raise ValueError(f"filepath must have another ending: this is that of {found[0]}; got {path!r}. {found[1]}.")


def check_loaded(path: str) -> None:
    """Say what reads a file that is none of ours and has such an ending.

    Raises
    ------
    ValueError
        With that call.
    """
    found = _format_of(path)
    if found is not None:
        raise ValueError(f"{path} must be a file of gradstep or Keras; its ending is that of {found[0]}: {found[2]}.")
